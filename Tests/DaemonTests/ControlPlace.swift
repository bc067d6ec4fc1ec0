import Foundation
import Logging
import Synchronization

@testable import Daemon

/// A folder with a database's file, and a control server beside it while the test wants one.
final class ControlPlace: Sendable {
    let folder: String
    let database: String
    private let task = Mutex<Task<Void, any Error>?>(nil)

    /// - Parameter name: of the database; a deep one makes a long path.
    init(_ name: String = "usage.db") throws {
        folder = "/tmp/tallyd-control-\(UUID().uuidString.prefix(8))"
        database = folder + "/" + name
        let parent = database[..<(database.lastIndex(of: "/") ?? database.endIndex)]
        try FileManager.default.createDirectory(atPath: String(parent), withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: database))
    }

    deinit {
        task.withLock { $0?.cancel() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    var address: ControlAddress { .listening(environment: [:], database: database) }

    /// Returns once it listens.
    func serve(_ handlers: ControlHandlers, patience: Duration = .seconds(5), logger: Logger = .quiet) async {
        await withCheckedContinuation { continuation in
            let server = ControlServer(
                address, database: database, handlers: handlers, logger: logger, patience: patience
            ) { continuation.resume() }
            task.withLock { $0 = Task { try await server.run() } }
        }
    }

    /// As a daemon ends.
    func stop() async throws {
        let running = task.withLock { task in
            defer { task = nil }
            return task
        }
        running?.cancel()
        try await running?.value
    }

    func ask(
        _ command: ControlRequest.Command, timeout: Duration = .seconds(20)
    ) async throws(ControlClient.Failure) -> ControlReply {
        try await ControlClient([address], timeout: timeout).ask(command)
    }
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension ControlHandlers {
    /// Answers each request with its name.
    static var echo: ControlHandlers {
        ControlHandlers(
            reload: { ControlReply(lines: ["reload"]) },
            run: { job, dryRun in ControlReply(lines: ["run", job, "\(dryRun)"]) },
            wake: { ControlReply(lines: ["wake"]) })
    }
}
