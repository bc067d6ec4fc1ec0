import Dispatch
import Foundation
import TestSupport

/// The service manager's end of NOTIFY_SOCKET: a real datagram socket whose messages a test can wait for.
final class NotifySocket: Sendable {
    let path: String
    /// One event a line: `READY=1`, `STATUS=…`.
    let lines = EventLog<String>()
    // Set once, and a dispatch source may be used from any thread; the type just isn't declared Sendable on Linux.
    nonisolated(unsafe) private let source: any DispatchSourceRead

    init(in folder: URL) throws {
        path = folder.appending(path: "notify").path
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemFailure("make a socket", code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            close(descriptor)
            throw SystemFailure("bind \(path)", code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw SystemFailure("bind \(path)", code: errno)
        }
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
        source.setEventHandler { [lines] in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while case let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)), count > 0 {
                for line in String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n") {
                    lines.append(String(line))
                }
            }
        }
        source.setCancelHandler { close(descriptor) }
        source.activate()
    }

    deinit {
        source.cancel()
    }

    /// The first line that begins like this, after so many others; nil when none comes in time.
    func line(_ beginning: String, after skipped: Int = 0, within limit: Duration = .seconds(20)) async -> String? {
        await lines.first(after: skipped, within: limit) { $0.hasPrefix(beginning) }
    }
}
