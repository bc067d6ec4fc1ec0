import Dispatch
import Foundation
import Storage

/// One line over a stream socket, each way with a deadline. No thread waits: a few silent clients would otherwise keep all of
/// them, and those of Dispatch grow by one a second only.
enum ControlLine {
    /// The most that a line may have, its break included.
    static let limit = 65_536

    enum Failure: Error, Hashable {
        case tooLate
        /// The other end closed before the line's end.
        case closed
        case tooLong
        case failed(errno: Int32)
    }

    static func encode(_ form: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(form)) + [UInt8(ascii: "\n")]
    }

    /// What comes before the first line break.
    ///
    /// - Parameter deadline: in monotonic nanoseconds.
    static func read(_ descriptor: Int32, until deadline: UInt64) async throws(Failure) -> [UInt8] {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                if let end = buffer[..<count].firstIndex(of: UInt8(ascii: "\n")) {
                    guard line.count + end < limit else { throw .tooLong }
                    return line + buffer[..<end]
                }
                line += buffer[..<count]
                guard line.count < limit else { throw .tooLong }
            } else if count == 0 {
                throw .closed
            } else {
                try await wait(descriptor, .toRead, after: errno, until: deadline)
            }
        }
    }

    static func write(_ line: [UInt8], to descriptor: Int32, until deadline: UInt64) async throws(Failure) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else {
                try await wait(descriptor, .toWrite, after: errno, until: deadline)
            }
        }
    }

    /// Reads and forgets what is still to come, until the other end closes. A Unix socket that is closed with input unread
    /// resets the connection, and the other end may lose the reply to that.
    static func drain(_ descriptor: Int32, until deadline: UInt64) async {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        // The deadline holds for an end that goes on sending, too.
        while MonotonicClock.nanoseconds() < deadline {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count == 0 { return }
            if count < 0, (try? await wait(descriptor, .toRead, after: errno, until: deadline)) == nil { return }
        }
    }

    private enum Readiness { case toRead, toWrite }

    private static let queue = DispatchQueue(label: "tallyd.control")

    /// After a call that failed with `code`: returns when it may be tried again.
    private static func wait(
        _ descriptor: Int32, _ readiness: Readiness, after code: Int32, until deadline: UInt64
    ) async throws(Failure) {
        if code == EINTR { return }
        guard code == EAGAIN else { throw code == ECONNRESET || code == EPIPE ? .closed : .failed(errno: code) }
        let now = MonotonicClock.nanoseconds()
        guard now < deadline else { throw .tooLate }
        await withCheckedContinuation { continuation in
            // A dispatch source may be used from any thread; the type just isn't declared Sendable on Linux.
            nonisolated(unsafe) let source: any DispatchSourceProtocol =
                switch readiness {
                case .toRead: DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
                case .toWrite: DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
                }
            let alarm = DispatchWorkItem { source.cancel() }
            source.setEventHandler { source.cancel() }
            // Comes once, whoever cancels, and only then may the descriptor be closed.
            source.setCancelHandler {
                alarm.cancel()
                continuation.resume()
            }
            source.activate()
            queue.asyncAfter(deadline: .now() + .nanoseconds(Int(clamping: deadline - now)), execute: alarm)
        }
    }
}
