import Foundation
package import Logging
package import Storage

extension Settings {
    /// Who takes archives on, by TALLYD_ARCHIVE_COMMAND; nil where they stay in their folder.
    package func archiveHandover(monotonic: @escaping @Sendable () -> Duration, logger: Logger) -> ArchiveHandover? {
        guard let command = retention.archiveCommand else { return nil }
        return ArchiveCommandRun(
            command: command, timeout: retention.archiveCommandTimeout,
            environment: ProcessInfo.processInfo.environment, monotonic: monotonic, logger: logger
        ).handover
    }
}
