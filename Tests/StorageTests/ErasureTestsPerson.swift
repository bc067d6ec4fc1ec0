import Foundation
import GRDB
import Scheduling
import Storage
import TestSupport
import Testing

/// A person with rows in every table, and others beside them.
extension SampleDatabase {
    /// No other text of the sample has it in it.
    static let person = "quill-person-77"
    static let other = "somebody-else"

    /// Rows of the person, and of others that name them, in every table that the gateway writes but usage_logs.
    func settle(_ person: String = SampleDatabase.person) throws {
        let other = Self.other
        try gateway.writeWithoutTransaction { db in
            for user in [person, other] {
                try db.execute(
                    sql: "INSERT INTO rate_limits (id, user_id) VALUES (?, ?)", arguments: ["r-\(user)", user])
                try db.execute(
                    sql: "INSERT INTO api_keys (id, user_id, key_hash, name) VALUES (?, ?, ?, ?)",
                    arguments: ["k-\(user)", user, "h-\(user)", "key of \(user)"])
                try db.execute(
                    sql: "INSERT INTO user_sessions (id, user_id, token_hash, ip_address) VALUES (?, ?, ?, '10.0.0.1')",
                    arguments: ["s-\(user)", user, "t-\(user)"])
                try db.execute(
                    sql: "INSERT INTO user_preferences (user_id, metadata) VALUES (?, json_object('friend', ?))",
                    arguments: [user, person])
                try db.execute(
                    sql: "INSERT INTO conversations (id, user_id, title, model, metadata) VALUES (?, ?, ?, 'alpha', ?)",
                    arguments: ["c-\(user)", user, "\(user)'s", "{\"with\": [\"\(person)\", 1.50]}"])
                for author in [person, other] {
                    try db.execute(
                        sql: """
                            INSERT INTO messages (id, conversation_id, user_id, role, content, metadata)
                            VALUES (?, ?, ?, 'user', 'hello', json_object('to', ?))
                            """,
                        arguments: ["m-\(user)-\(author)", "c-\(user)", author, person])
                }
                try db.execute(
                    sql: "INSERT INTO webhooks (id, user_id, url, events) VALUES (?, ?, ?, '[]')",
                    arguments: ["w-\(user)", user, "https://example.org/\(user)"])
                try Self.webhooks(of: user, naming: person, db)
                try db.execute(
                    sql: """
                        INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, ip_address, user_agent, metadata)
                        VALUES (?, ?, 'key.made', 'user', ?, '10.0.0.1', 'agent', json_object('for', ?, 'n', 1))
                        """,
                    arguments: ["a-\(UUID().uuidString)", user, person, person])
            }
            try db.execute(
                sql: """
                    INSERT INTO system_metrics (id, metric_name, metric_value, tags)
                    VALUES ('x-named', 'load', 1, json_object('user', ?1)), ('x-plain', 'load', 1, json_object('user', 'nobody'))
                    """,
                arguments: [person])
            try db.execute(
                sql: """
                    INSERT INTO feature_flags (id, flag_name, target_users, conditions)
                    VALUES ('f-1', 'trial', json_array(?2, ?1, 'third'), json_object('owner', ?1))
                    """,
                arguments: [person, other])
            try db.execute(
                sql:
                    "INSERT INTO retention_overrides (user_id, table_name, period_ms) VALUES (?, 'usage_logs', 86400000)",
                arguments: [person])
            try db.execute(
                sql: """
                    INSERT INTO retention_holds (user_id, reason, created_at_ms, released_at_ms)
                    VALUES (?1, 'case of ' || ?1, 1, 2)
                    """,
                arguments: [person])
            try db.execute(
                sql: """
                    INSERT INTO job_runs (job, slot_ms, state, started_at_ms, finished_at_ms, error)
                    VALUES ('rollup', 1, 'failed', 1, 2, 'cannot add up usage of user ' || ?1 || ', model alpha on 2026-11-10')
                    """,
                arguments: [person])
        }
    }

    /// An event of the user's that was told to their endpoint, and one of nobody's that was: by a test of it, or because they are an operator.
    private static func webhooks(of user: String, naming person: String, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO webhook_endpoints (webhook_id, former_secrets) VALUES (?, ?)",
            arguments: ["w-\(user)", "[{\"secret\":\"s-\(user)\",\"until\":1}]"])
        for owner in [user, nil] {
            try db.execute(
                sql: """
                    INSERT INTO webhook_events (user_id, event_type, payload)
                    VALUES (?, 'x.y', json_object('friend', ?))
                    """,
                arguments: [owner, person])
            try db.execute(
                sql: """
                    INSERT INTO webhook_deliveries (event_seq, webhook_id, user_id, state, attempt, created_at, settled_at)
                    VALUES (?, ?, ?, 'delivered', 1, 1795262400000, 1795262400000)
                    """,
                arguments: [db.lastInsertedRowID, "w-\(user)", owner])
            try db.execute(
                sql: """
                    INSERT INTO webhook_attempts (delivery_id, user_id, attempt, started_at, duration_ms, status, body)
                    VALUES (?, ?, 1, 1795262400000, 1, 200, CAST('hello ' || ? AS BLOB))
                    """,
                arguments: [db.lastInsertedRowID, owner, user])
        }
    }

    /// Usage of the person and of others over some days, the older ones archived and purged.
    func use(_ rows: Int = 120, seed: UInt64 = 5) async throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<rows {
            let day = Int.random(in: 10...20, using: &random)
            let id = try insert(
                user: Bool.random(using: &random) ? Self.person : Self.other,
                model: ["alpha", "beta", "gamma"].randomElement(using: &random) ?? "alpha",
                input: Int.random(in: 0...3_000, using: &random), output: Int.random(in: 0...900, using: &random),
                cost: Bool.random(using: &random) ? Double(Int.random(in: 1...2_000_000_000, using: &random)) / 1e9 : 0,
                latency: Int.random(in: 0...90_000, using: &random),
                at: "2026-11-\(day) 1\(Int.random(in: 0...9, using: &random)):00:00")
            try execute(
                """
                UPDATE usage_logs
                SET ip_address = '10.0.0.9', user_agent = 'agent', request_id = user_id || '/' || id, error_message = 'no credit: ' || user_id
                WHERE id = ?
                """, [id])
        }
        try insert(user: Self.person, input: -5, at: "2026-11-20 10:00:00")
    }

    var archiveFolder: String { folder.appending(path: "archive").path }

    /// Seals and archives what is older than five days on 2026-11-21.
    func retain() async throws {
        let policies = RetentionPolicies(
            periods: [.usageLogs: .limited(.seconds(5 * 86_400))], settle: .seconds(86_400), largestShare: 1,
            archiveFolder: archiveFolder)
        let now = try #require(Instant(iso8601: "2026-11-21T12:00:00Z"))
        _ = try await RetentionRun(store: try store(), zone: .utc, term: nil, policies: policies).run(
            run: UUID().uuidString, now: now, shouldStop: { false }, progress: {})
    }

    func erasure(
        of person: String = SampleDatabase.person, _ store: Store, files: ArchiveFiles = .system,
        handover: ArchiveHandover? = nil, exceptions: Erasure.Exceptions = Erasure.Exceptions()
    ) -> Erasure {
        Erasure(
            of: person, store: store, zone: .utc, files: files, handover: handover, exceptions: exceptions,
            now: { Instant(milliseconds: 1_795_262_400_000) })
    }

    /// Every place in the tables, the archives and their folder where the text stands.
    func places(of text: String, leaving damaged: Set<String> = []) throws -> [String] {
        var places = try gateway.read { db in
            let tables = try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            return try tables.flatMap { table in
                try db.columns(in: table).map(\.name).filter { column in
                    try Bool.fetchOne(
                        db,
                        sql:
                            "SELECT EXISTS (SELECT 1 FROM \(table) WHERE instr(CAST(\"\(column)\" AS BLOB), CAST(? AS BLOB)) > 0)",
                        arguments: [text]) ?? false
                }.map { "\(table).\($0)" }
            }
        }
        let files = FileManager.default.enumerator(atPath: archiveFolder)?.compactMap { $0 as? String } ?? []
        for file in files {
            let path = "\(archiveFolder)/\(file)"
            guard !damaged.contains(path) else { continue }
            if file.hasSuffix(".zst") {
                try ArchiveReader(path: path).forEachLine { line in
                    if String(decoding: line, as: UTF8.self).contains(text) { places.append(file) }
                }
            } else if file.hasSuffix(".json"), try String(contentsOfFile: path, encoding: .utf8).contains(text) {
                places.append(file)
            }
        }
        return Set(places).sorted()
    }

    /// Whether the text stands in the bytes of the file, once the log is copied back.
    func isInFile(_ text: String) throws -> Bool {
        try gateway.writeWithoutTransaction { db in _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        return try Data(contentsOf: URL(filePath: path)).range(of: Data(text.utf8)) != nil
            || Data(contentsOf: URL(filePath: path + "-wal")).range(of: Data(text.utf8)) != nil
    }
}
