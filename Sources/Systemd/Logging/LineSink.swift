import Glibc
import Synchronization

/// A descriptor that takes whole lines.
final class LineSink: Sendable {
    private let descriptor: Int32

    /// A line above a pipe's 4,096 bytes may be written in parts; nobody else's line comes between them.
    private let turn = Mutex(())

    /// - Parameter descriptor: stays the caller's to close.
    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// One `write(2)`, unless the kernel takes a part only. A reader that has gone, or does not read for a second on a
    /// descriptor that does not block, costs the line: there is nowhere left to say so.
    func write(_ line: [UInt8]) {
        turn.withLock { _ in
            var rest = line[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EINTR {
                    continue
                } else if written < 0, errno == EAGAIN {
                    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    guard poll(&entry, 1, 1_000) > 0 else { return }
                } else {
                    return
                }
            }
        }
    }
}
