import Foundation
import GRDB
import Storage
import TestSupport
import Testing

/// A folder with a usage database of one test's own, and the program that works on it.
final class CommandPlace: Sendable {
    let folder: URL
    let database: String

    /// With a database of the present schema.
    init() async throws {
        (folder, database) = try Self.makeFolder()
        try await Self.migrated.value.write(to: URL(filePath: database))
    }

    private static func makeFolder() throws -> (URL, String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return (folder, folder.appending(path: "usage.db").path)
    }

    /// Made once, by the program itself.
    private static let migrated = Task {
        let (folder, database) = try makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let migration = try await ToolRun.run(program, ["migrate", "--database", database], variables: [:])
        try #require(migration.status == 0, "\(migration.errors)")
        // The program leaves its log to the next one: put it back into the file.
        let queue = try DatabaseQueue(path: database)
        try await queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
        return try Data(contentsOf: URL(filePath: database))
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// TALLYD_TEST_BINARY, else the program beside the test bundle, where the build puts it.
    static var program: String {
        // Not arguments[0]: that may be a helper's path, or relative to a folder that has been left.
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return ProcessInfo.processInfo.environment["TALLYD_TEST_BINARY"]
            ?? URL(filePath: bundle).deletingLastPathComponent().appending(path: "tallyd").path
    }

    /// A command of tallyd's, run to its end on the database; there is no terminal.
    func tallyd(_ words: String..., input: Data = Data()) async throws -> ToolRun {
        try await ToolRun.run(Self.program, words + ["--database", database], variables: [:], input: input)
    }

    /// The same with --json, which must be one object; and a success.
    func json(_ words: String...) async throws -> [String: Any] {
        let run = try await ToolRun.run(
            Self.program, words + ["--json", "--database", database], variables: [:])
        try #require(run.status == 0, "\(run.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    /// Changes the database as somebody else would.
    func execute(_ sql: String, _ arguments: StatementArguments = []) throws {
        try connect().writeWithoutTransaction { db in try db.execute(sql: sql, arguments: arguments) }
    }

    func value<T: DatabaseValueConvertible & Sendable>(_ sql: String) throws -> T? {
        try connect().read { db in try T.fetchOne(db, sql: sql) }
    }

    /// Waits for somebody else's work, 20 s at most.
    func wait(until sql: String) async throws {
        for _ in 0..<2_000 {
            if try value(sql) == true { return }
            // There is nothing to await in another process's file.
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("never came about: \(sql)")
    }

    private func connect() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        return try DatabaseQueue(path: database, configuration: configuration)
    }
}

extension CommandPlace {
    /// Has w1's url be another than the one that its secret was used for.
    func changeURL() throws {
        try execute(
            "UPDATE webhook_endpoints SET url_sha256 = ?, secret_sha256 = ? WHERE webhook_id = 'w1'",
            [EndpointRecord.digest("https://former.example.com/"), EndpointRecord.digest(Self.secrets[1])])
    }

    /// What must never be printed, wherever it stands in the database.
    static let secrets = [
        "hunter2", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ]

    /// Endpoints of every kind, two events, and deliveries in every state with attempts.
    static func filled() async throws -> CommandPlace {
        let place = try await CommandPlace()
        try place.execute(
            """
            INSERT INTO webhooks (id, user_id, url, events, secret, is_active, last_delivery_at)
            VALUES ('w1', 'acme', 'https://hooks.example.com/in?token=hunter2', '["usage.*","invoice.paid"]',
                    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', TRUE, '2026-11-23 22:31:07'),
                   ('w2', 'acme', 'https://bob:hunter2@example.com/', '["*"]', NULL, TRUE, NULL),
                   ('w3', 'ops', 'https://ops.example.com/', 'hunter2', 'whsec_hunter2', FALSE, 1795561385);
            INSERT INTO webhook_endpoints (
              webhook_id, standing, standing_since, next_probe_at, failing_since, failed_attempts, former_secrets, format)
            VALUES ('w1', 'failing', 1795561385000, 4102444800000, 1795475000000, 41,
                    '[{"secret":"whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk","until":4102444800000}]', 'cloudevents');
            INSERT INTO webhook_endpoints (webhook_id, standing) VALUES ('w2', 'url_changed');
            INSERT INTO webhook_events (id, user_id, event_type, payload, created_at)
            VALUES ('evt_1', 'acme', 'invoice.paid', '{"invoice":"i7"}', 1795561385000),
                   ('evt_2', NULL, 'usage.day_sealed', '{"day":"2026-11-20"}', 1795561386000);
            INSERT INTO webhook_deliveries (id, event_seq, webhook_id, user_id, state, attempt, next_attempt_at, claim, reason, created_at, settled_at)
            VALUES (1, 1, 'w1', 'acme', 'delivered', 2, NULL, NULL, NULL, 1795561385100, 1795561390000),
                   (2, 1, 'w2', 'acme', 'dead', 0, NULL, NULL, 'url_has_userinfo', 1795561385100, 1795561385100),
                   (3, 2, 'w1', NULL, 'pending', 1, 4102444800000, NULL, 'timeout', 1795561386100, NULL),
                   (4, 2, 'w2', NULL, 'claimed', 0, NULL, 7, NULL, 1795561386100, NULL);
            UPDATE webhook_outbox SET fanned_out = 1;
            """)
        try place.execute(
            """
            INSERT INTO webhook_attempts (delivery_id, attempt, started_at, duration_ms, status, reason, error, address, head, body)
            VALUES (1, 1, 1795561385200, 12, 500, 'status_500', 'the receiver said 500', '203.0.113.7:443', ?, ?),
                   (1, 2, 1795561389900, 8, 204, NULL, NULL, '203.0.113.7:443', 'HTTP/1.1 204 No Content', NULL),
                   (3, 1, 1795561386200, 15000, NULL, 'timeout', 'nothing came within 15s', NULL, NULL, ?)
            """,
            [
                "HTTP/1.1 500 Internal\r\nserver: odd\u{1B}[31m", Data("first\nsecond \u{1B}[2J".utf8),
                Data([0xFF, 0x00, 0x41]),
            ])
        return place
    }
}
