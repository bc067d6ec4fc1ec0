import Glibc

/// Wakes one waiting thread, at most once for any number of raises before it looks.
///
/// A pair of sockets and `poll`, because poll's timeout runs on the monotonic clock. libdispatch's semaphore waits
/// until a point of the wall clock on Linux, and a clock that is set back would make a watchdog thread oversleep its
/// window.
final class WakeSignal: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32

    /// Without a free file descriptor the signal still times out, it only never wakes early.
    init() {
        var ends: [Int32] = [-1, -1]
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        _ = socketpair(AF_UNIX, Int32(kind), 0, &ends)
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        if readEnd >= 0 { close(readEnd) }
        if writeEnd >= 0 { close(writeEnd) }
    }

    /// Never blocks: a full socket already holds a wake-up.
    func raise() {
        var byte: UInt8 = 1
        _ = send(writeEnd, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    /// Waits for a raise, and takes it.
    ///
    /// - Parameter limit: the longest wait, rounded up to a millisecond; nil waits without end.
    /// - Returns: whether a raise ended the wait.
    @discardableResult
    func wait(atMost limit: Duration? = nil) -> Bool {
        // A negative descriptor is skipped by poll, but an endless wait on it would never end: look again every second.
        let longest: Int32 = readEnd < 0 ? 1_000 : -1
        var entry = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, limit?.pollMilliseconds ?? longest) > 0 else { return false }
        var scratch = [UInt8](repeating: 0, count: 64)
        while read(readEnd, &scratch, scratch.count) > 0 {}
        return true
    }
}
