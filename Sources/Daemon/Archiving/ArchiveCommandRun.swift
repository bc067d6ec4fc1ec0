import Foundation
import Logging
import Scheduling
import Storage

/// Runs TALLYD_ARCHIVE_COMMAND for one file after another.
struct ArchiveCommandRun: Sendable {
    let command: ArchiveCommand
    let timeout: Duration
    /// This process's own, of which the command gets PATH and HOME.
    let environment: [String: String]
    let monotonic: @Sendable () -> Duration
    let logger: Logger

    var handover: ArchiveHandover {
        ArchiveHandover { file, shouldStop in try await take(file, shouldStop) }
    }

    /// Looks so often whether it has ended: a small file's command takes some milliseconds, a large one's minutes.
    private static let firstWait = Duration.milliseconds(2)
    private static let longestWait = Duration.milliseconds(50)
    /// From SIGTERM to SIGKILL: at the deadline, and when the daemon stops, which has 0.8 s in all.
    private static let grace = Duration.seconds(5)
    private static let shortGrace = Duration.milliseconds(300)

    /// What it is told of the file beside its path. Nothing of tallyd's own settings or secrets.
    private func variables(_ file: ArchiveHandover.File) -> [String: String] {
        var variables = [
            "PATH": environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
            "TALLYD_ARCHIVE_TABLE": file.table, "TALLYD_ARCHIVE_DAY": "\(file.day)",
            "TALLYD_ARCHIVE_PART": "\(file.part)", "TALLYD_ARCHIVE_SHA256": file.sha256,
        ]
        variables["HOME"] = environment["HOME"]
        return variables
    }

    private func take(
        _ file: ArchiveHandover.File, _ shouldStop: @Sendable () -> Bool
    ) async throws -> ArchiveHandover.Answer {
        if shouldStop() { return .stopped }
        let began = monotonic()
        let child: ChildProgram
        do {
            child = try ChildProgram(command.words + [file.path], variables(file))
        } catch let error as POSIXError {
            let said = String(cString: strerror(error.code.rawValue))
            throw refusal(file, "\(command.program) can't be started: \(said)")
        }
        var wait = Self.firstWait
        while true {
            if let ending = child.look() {
                try judge(ending, child, file, took: monotonic() - began)
                return .taken
            }
            if shouldStop() || Task.isCancelled {
                await end(child, within: Self.shortGrace)
                return .stopped
            }
            if monotonic() - began >= timeout {
                await end(child, within: Self.grace, shouldStop)
                throw refusal(file, said("its command had not ended after \(DurationText.format(timeout))", child))
            }
            try? await Task.sleep(for: wait)
            wait = min(wait * 2, Self.longestWait)
        }
    }

    private func judge(
        _ ending: ChildProgram.Ending, _ child: ChildProgram, _ file: ArchiveHandover.File, took: Duration
    ) throws {
        switch ending {
        case .status(0):
            logger.info(
                "handed an archive over",
                metadata: [
                    "message_id": "\(MessageID.archiveTaken)", "path": "\(file.path)", "table": "\(file.table)",
                    "day": "\(file.day)", "part": "\(file.part)", "checksum": "\(file.sha256)",
                    "duration_ms": "\(Int(took / .milliseconds(1)))",
                ])
        case .status(let status): throw refusal(file, said("its command ended with status \(status)", child))
        case .signal(let signal): throw refusal(file, said("its command was ended by signal \(signal)", child))
        }
    }

    private func said(_ cause: String, _ child: ChildProgram) -> String {
        child.lastLine.map { "\(cause), saying \"\($0)\"" } ?? cause
    }

    private func refusal(_ file: ArchiveHandover.File, _ cause: String) -> StorageError {
        StorageError(
            .archiveFailed, cannot: "hand over", file.path, because: cause,
            remedy:
                "Mend the command (TALLYD_ARCHIVE_COMMAND). Nothing was removed; the next run hands the file over again."
        )
    }

    /// SIGTERM, a while, SIGKILL. What even that does not end within a second hangs in the kernel, and is left to it.
    private func end(
        _ child: ChildProgram, within grace: Duration, _ shouldStop: @Sendable () -> Bool = { false }
    ) async {
        child.send(SIGTERM)
        var limit = monotonic() + grace
        while child.look() == nil, monotonic() < limit {
            if shouldStop() { limit = min(limit, monotonic() + Self.shortGrace) }
            await Task.uncancelledPause(for: Self.look)
        }
        child.send(SIGKILL)
        limit = monotonic() + .seconds(1)
        while child.look() == nil, monotonic() < limit { await Task.uncancelledPause(for: Self.look) }
    }

    /// Between two looks at a program that is to end.
    private static let look = Duration.milliseconds(5)
}
