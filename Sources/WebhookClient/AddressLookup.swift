import Foundation
import Webhooks

/// A call of getaddrinfo(3). It blocks.
enum AddressLookup {
    /// EAI_NODATA and EAI_ADDRFAMILY of glibc's netdb.h, which shows them to GNU sources only.
    private static let noData: Int32 = -5
    private static let noAddressOfFamily: Int32 = -9

    /// In the order of RFC 6724, which the C library knows; families that this machine has no address of are left out.
    @Sendable static func run(_ name: String) -> Result<[IPAddress], ResolveFailure> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        switch code {
        case 0: break
        case EAI_NONAME, noData, noAddressOfFamily: return .failure(.unknownName)
        case EAI_AGAIN: return .failure(.temporary)
        case EAI_SYSTEM: return .failure(.failed(String(cString: strerror(errno))))
        default: return .failure(.failed(String(cString: gai_strerror(code))))
        }
        var addresses: [IPAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = entry.ai_addr.flatMap(address), !addresses.contains(address) { addresses.append(address) }
            next = entry.ai_next
        }
        return addresses.isEmpty ? .failure(.unknownName) : .success(addresses)
    }

    private static func address(_ pointer: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
        let family = Int32(pointer.pointee.sa_family)
        let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        return IPAddress(family: family, UnsafeRawBufferPointer(start: pointer, count: size))
    }
}
