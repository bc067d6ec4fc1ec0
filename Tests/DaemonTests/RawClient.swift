import Dispatch
import Foundation

@testable import Daemon

/// A client that need not keep to the protocol. It waits on threads of its own: the server answers from Swift's pool, which has as
/// many threads as the machine has cores.
final class RawClient: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let reachable = try ControlPath(path)
        guard reachable.address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else {
            throw ControlError.system(path, errno)
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends all of it and, unless told otherwise, ends the input.
    func send(_ text: String, ends: Bool = true) async { await send(Array(text.utf8), ends: ends) }

    func send(_ bytes: [UInt8], ends: Bool = true) async {
        await waiting { descriptor in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
            if ends { shutdown(descriptor, Int32(SHUT_WR)) }
        }
    }

    /// What comes before the end of the connection; nil when that was reset, or when it is no reply.
    var reply: ControlReply? {
        get async {
            await waiting { descriptor in
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = read(descriptor, &buffer, buffer.count)
                    if count < 0 { return nil }
                    if count == 0 { return ControlReply(line: Array(bytes.dropLast())) }
                    bytes += buffer[..<count]
                }
            }
        }
    }

    private func waiting<T: Sendable>(_ work: @escaping @Sendable (Int32) -> T) async -> T {
        await withCheckedContinuation { continuation in
            let descriptor = descriptor
            let thread = Thread { continuation.resume(returning: work(descriptor)) }
            thread.start()
        }
    }
}
