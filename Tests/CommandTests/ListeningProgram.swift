import Foundation
import TestSupport

/// `tallyd webhooks listen` as a process. It is killed, by its id, when the test forgets it.
final class ListeningProgram: Sendable {
    private let process: pid_t
    private let outlet: FileHandle
    private let isReaped = LockedFlag()

    init(_ words: String...) throws {
        var ends: [Int32] = [-1, -1]
        // Close-on-exec from the start, or a process that another test starts in between would keep the writing end open.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemFailure("make a pipe", code: errno) }
        defer { close(ends[1]) }
        outlet = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        process = try spawn(
            CommandPlace.program, ["webhooks", "listen"] + words, [:], output: ends[1], error: ends[1])
    }

    deinit {
        if isReaped.raise() { kill(process, SIGKILL) }
    }

    /// The next line; nil at the end.
    func line() async throws -> String? {
        try await onThread { [outlet] in
            var bytes: [UInt8] = []
            while let byte = try outlet.read(upToCount: 1)?.first {
                guard byte != UInt8(ascii: "\n") else { return String(decoding: bytes, as: UTF8.self) }
                bytes.append(byte)
            }
            return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
        }
    }

    /// - Returns: the exit status; nil when a signal ended it.
    func end(by signal: Int32) async throws -> Int32? {
        kill(process, signal)
        let ending = try await onThread { [process] in
            var ending: Int32 = 0
            while waitpid(process, &ending, 0) < 0, errno == EINTR {}
            return ending
        }
        _ = isReaped.raise()
        return ending & 0x7F == 0 ? (ending >> 8) & 0xFF : nil
    }

    private func onThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try work() }) }.start()
        }
    }
}
