import Glibc

/// Where log lines go and how they look there.
package enum LogDestination: Sendable, Equatable {
    /// The journal's own protocol, fields and all.
    case journal

    /// Lines for a file or a pipe.
    ///
    /// - Parameter priorities: whether each line starts with `<N>`, which systemd reads as the line's priority when it
    ///   collects a service's output.
    case prefixed(priorities: Bool)

    /// Lines for a person.
    case terminal(colour: Bool)

    /// The journal's native socket.
    package static let journalSocket = "/run/systemd/journal/socket"

    /// Looks at what standard error is.
    ///
    /// The journal is chosen only where `JOURNAL_STREAM` names the very device and inode of standard error: the
    /// variable alone is inherited, and a service whose output was redirected would log where nobody looks. The socket
    /// has to be there too, as a service with its own root directory may see the stream and not the socket.
    ///
    /// - Parameters:
    ///   - environment: read for `JOURNAL_STREAM`, `INVOCATION_ID`, `NO_COLOR` (any text but an empty one) and `TERM`.
    ///   - standardError: the descriptor to judge.
    ///   - journalSocket: where the journal should listen.
    package static func detect(
        environment: [String: String], standardError: Int32 = 2, journalSocket: String = LogDestination.journalSocket
    ) -> LogDestination {
        var file = stat()
        if fstat(standardError, &file) == 0, environment["JOURNAL_STREAM"] == "\(file.st_dev):\(file.st_ino)",
            access(journalSocket, W_OK) == 0
        {
            return .journal
        }
        guard isatty(standardError) == 1 else { return .prefixed(priorities: environment["INVOCATION_ID"] != nil) }
        let refused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return .terminal(colour: !refused && environment["TERM"] != "dumb")
    }
}
