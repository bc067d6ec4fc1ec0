import Foundation

/// What one process asks a running daemon for: one line of JSON.
///
/// `{"version":1,"request":"run","job":"rollup","dry_run":true}`; keys that are not known are passed over.
package struct ControlRequest: Hashable, Sendable {
    package enum Command: Hashable, Sendable {
        /// Read the settings again.
        case reload
        /// Run a job now.
        case run(job: String, dryRun: Bool)
        /// The settings of a job have changed in the database: let the lanes look again.
        case wake
    }

    package let command: Command
    /// The database that the daemon has to work on, as an absolute path; nil where the socket itself leaves no doubt.
    package var database: String?

    /// Of both ends. A change that an older end would misread makes it 2.
    static let version = 1

    package init(_ command: Command, database: String? = nil) {
        self.command = command
        self.database = database
    }

    private struct Form: Codable {
        var version: Int
        var request: String
        var job: String?
        var dry_run: Bool?
        var database: String?
    }

    /// With its line break.
    package func line() throws -> [UInt8] {
        var form = Form(version: Self.version, request: "", database: database)
        switch command {
        case .reload: form.request = "reload"
        case .wake: form.request = "wake"
        case .run(let job, let dryRun):
            form.request = "run"
            form.job = job
            form.dry_run = dryRun
        }
        return try ControlLine.encode(form)
    }

    /// - Parameter line: without its line break.
    /// - Throws: a complaint that says what was expected, for the reply.
    init(line: [UInt8]) throws(ControlComplaint) {
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(line)) else {
            throw ControlComplaint("is no request; write one line such as {\"version\":1,\"request\":\"reload\"}")
        }
        guard form.version == Self.version else {
            throw ControlComplaint(
                "speaks version \(form.version), and this daemon \(Self.version); use the tallyd that the daemon runs")
        }
        switch form.request {
        case "reload": command = .reload
        case "wake": command = .wake
        case "run":
            guard let job = form.job else { throw ControlComplaint("names no job; add \"job\":\"rollup\"") }
            command = .run(job: job, dryRun: form.dry_run ?? false)
        default: throw ControlComplaint("asks for something unknown; there are reload, run and wake")
        }
        database = form.database
    }
}
