import Foundation
import Webhooks

/// The addresses of this machine's interfaces: what listens on them is nobody's endpoint unless it is allowed.
///
/// getifaddrs(3) asks over a netlink socket, which the unit's RestrictAddressFamilies= denies. So /proc is asked, too: its files need no socket.
enum OwnAddresses {
    static func read() -> Set<IPAddress> {
        func text(_ name: String) -> String {
            (try? String(contentsOfFile: "/proc/self/net/\(name)", encoding: .utf8)) ?? ""
        }
        return fromInterfaces().union(v4(inTrie: text("fib_trie"))).union(v6(inList: text("if_inet6")))
    }

    /// Of /proc/net/fib_trie: an address stands on the line before the words that make it a local one.
    static func v4(inTrie text: String) -> Set<IPAddress> {
        var found: Set<IPAddress> = []
        var last: Substring = ""
        for line in text.split(separator: "\n") {
            if line.hasSuffix("/32 host LOCAL"), let address = IPAddress(last) { found.insert(address) }
            last = line.split(separator: " ").last ?? ""
        }
        return found
    }

    /// Of /proc/net/if_inet6: the first word of each line, 32 hexadecimal digits.
    static func v6(inList text: String) -> Set<IPAddress> {
        let addresses = text.split(separator: "\n").compactMap { line -> IPAddress? in
            let digits = Array(line.prefix { $0 != " " })
            guard digits.count == 32 else { return nil }
            let groups = stride(from: 0, to: 32, by: 4).map { String(digits[$0..<$0 + 4]) }
            return IPAddress(groups.joined(separator: ":"))
        }
        return Set(addresses)
    }

    private static func fromInterfaces() -> Set<IPAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: Set<IPAddress> = []
        var next = list
        while let entry = next?.pointee {
            if let address = entry.ifa_addr.flatMap(address) { found.insert(address) }
            next = entry.ifa_next
        }
        return found
    }

    private static func address(_ pointer: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
        let raw = UnsafeRawPointer(pointer)
        switch Int32(pointer.pointee.sa_family) {
        case AF_INET:
            return withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) { IPAddress(bytes: $0) }
        case AF_INET6:
            return withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { IPAddress(bytes: $0) }
        default: return nil
        }
    }
}
