import Foundation

/// Cuts what comes out of a pipe into lines. For one thread.
final class LineReader {
    private let pipe: ChildPipe
    private let hand: (String) -> Void
    private var rest: [UInt8] = []

    init(_ pipe: ChildPipe, hand: @escaping (String) -> Void) {
        self.pipe = pipe
        self.hand = hand
    }

    deinit {
        close(pipe.outlet)
    }

    /// Reads all of them until their writers are gone, each as it has something.
    static func readToEnd(_ readers: [LineReader]) {
        var open = readers
        while !open.isEmpty {
            var entries = open.map { pollfd(fd: $0.pipe.outlet, events: Int16(POLLIN), revents: 0) }
            guard poll(&entries, nfds_t(entries.count), -1) >= 0 || errno == EINTR else { return }
            let ready = zip(entries, open).filter { $0.0.revents != 0 }.map(\.1)
            let over = ready.filter { !$0.readOnce() }
            open.removeAll { reader in over.contains { $0 === reader } }
        }
    }

    /// False at the end.
    private func readOnce() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(pipe.outlet, &buffer, buffer.count)
        guard count > 0 else {
            if !rest.isEmpty { hand(String(decoding: rest, as: UTF8.self)) }
            return count < 0 && errno == EINTR
        }
        rest += buffer.prefix(count)
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            hand(String(decoding: rest[..<end], as: UTF8.self))
            rest.removeSubrange(...end)
        }
        return true
    }
}
