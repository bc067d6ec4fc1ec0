import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import Testing

/// A database with old and new rows in every table that has a policy, what each row was, and where archives and what was handed over lie.
///
/// Rows are compared as plain JSON has them, without any of the code that writes or reads archives but zstd's. Reals have few digits: JSONSerialization
/// reads 0.30000000000000004 as 0.3000000000000001.
final class ArchiveWorld: Sendable {
    typealias Plain = [String: String]

    let sample: SampleDatabase
    let folder: String
    /// Where a command that takes files away puts them.
    let elsewhere: String

    static let now = Instant(iso8601: "2026-11-21T12:00:00Z") ?? Instant(milliseconds: 0)
    /// The names of archives: every table with a policy, and messages.
    static let tables = [
        "usage_logs", "audit_logs", "system_metrics", "user_sessions", "rate_limits", "conversations", "messages",
        "job_runs", "usage_rejects", "webhook_attempts", "webhook_deliveries", "webhook_events",
    ]

    init() async throws {
        sample = try SampleDatabase()
        folder = sample.folder.appending(path: "archive").path
        elsewhere = sample.folder.appending(path: "elsewhere").path
        try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: true)
        try sample.execute("DELETE FROM audit_logs")
        // Set aside on the 10th.
        for number in 0..<3 { try sample.insert(user: "odd\(number % 2)", at: "yesterday") }
        try await sample.rollUp(now: "2026-11-10T00:00:00Z")
        let days = ["2026-11-10", "2026-11-10", "2026-11-11", "2026-11-12", "2026-11-20"]
        for (number, day) in days.enumerated() {
            let user = "u\(number % 2)"
            try sample.insert(user: user, at: "\(day) 10:00:00")
            try sample.execute(
                "INSERT INTO audit_logs (id, user_id, action, resource_type, metadata, created_at) VALUES (?, ?, 'x', 'y', ?, ?)",
                ["a\(number)", user, number == 0 ? nil : Data([0, 255, UInt8(number)]), "\(day)T10:00:00.000Z"])
            try sample.execute(
                "INSERT INTO system_metrics (id, metric_name, metric_value, timestamp) VALUES (?, 'm', ?, ?)",
                ["m\(number)", 0.5 * Double(number), "\(day) 10:00:00"])
            try sample.execute(
                """
                INSERT INTO user_sessions (id, user_id, token_hash, expires_at, last_activity_at, created_at, updated_at)
                VALUES (?1, ?2, ?1, ?3, ?3, ?3, ?3)
                """, ["s\(number)", user, "\(day) 10:00:00"])
            try sample.execute(
                "INSERT INTO rate_limits (id, user_id, window_start, window_end) VALUES (?1, ?2, ?3, ?3)",
                ["r\(number)", user, "\(day) 10:00:00"])
            try sample.execute(
                "INSERT INTO conversations (id, user_id, model, created_at, updated_at) VALUES (?1, ?2, 'alpha', ?3, ?3)",
                ["c\(number)", user, "\(day) 10:00:00"])
            for message in 0..<number {
                try sample.execute(
                    """
                    INSERT INTO messages (id, conversation_id, user_id, role, content, created_at)
                    VALUES (?, ?, ?, 'user', 'line
                    "\(message)"', ?)
                    """, ["c\(number)m\(message)", "c\(number)", user, "\(day) 10:00:00"])
            }
            try sample.execute(
                """
                INSERT INTO job_runs (job, slot_ms, state, started_at_ms, finished_at_ms)
                VALUES ('x', ?1, 'succeeded', ?1, ?1)
                """, [(Instant(iso8601: "\(day)T10:00:00Z")?.milliseconds ?? 0) + Int64(number) * 1_000])
            try addWebhooks(number, user, Instant(iso8601: "\(day)T10:00:00Z")?.milliseconds ?? 0)
        }
        try await sample.rollUp(now: "2026-11-20T12:00:00Z")
    }

    /// An event that has been dealt with, and a delivery and an attempt of others, so that each table's rows can go alone.
    private func addWebhooks(_ number: Int, _ user: String, _ time: Int64) throws {
        try sample.execute(
            "INSERT INTO webhook_events (id, user_id, event_type, payload, created_at) VALUES (?, ?, 'x.y', '{}', ?)",
            ["e\(number)", user, time])
        try sample.execute("UPDATE webhook_outbox SET fanned_out = (SELECT MAX(seq) FROM webhook_events)")
        try sample.execute(
            """
            INSERT INTO webhook_deliveries (event_seq, webhook_id, user_id, state, attempt, created_at, settled_at)
            VALUES (?1, 'w', ?2, 'delivered', 1, ?3, ?3)
            """, [1_000 + number, user, time])
        try sample.execute(
            """
            INSERT INTO webhook_attempts (delivery_id, user_id, attempt, started_at, duration_ms, status, body)
            VALUES (?, ?, 1, ?, 12, 200, x'00ff')
            """, [1_000 + number, user, time])
    }

    static let period = RetentionPeriod.limited(.seconds(5 * 86_400))

    func run(
        _ tables: [RetentionTable] = RetentionTable.allCases, files: ArchiveFiles = .system,
        handover: ArchiveHandover? = nil, prepare: Store.Preparation? = nil, steps: Allowance.Steps? = nil,
        shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> RetentionRun.Outcome {
        let policies = RetentionPolicies(
            periods: Dictionary(tables.map { ($0, Self.period) }) { $1 }, settle: .seconds(86_400), largestShare: 1,
            archiveFolder: folder, archiveTables: Set(RetentionTable.allCases))
        return try await RetentionRun(
            store: try sample.store(steps: steps, prepare: prepare), zone: .utc, term: nil, policies: policies,
            files: files, handover: handover
        ).run(run: UUID().uuidString, now: Self.now, shouldStop: shouldStop, progress: {})
    }

    func parts(_ tables: [RetentionTable]? = nil) async throws -> [ArchiveManifest.Entry] {
        try await ArchiveManifest(store: try sample.store()).list(tables: tables)
    }

    // MARK: Rows, as plain text

    /// By table, then by id.
    func rows() throws -> [String: [String: Plain]] {
        try sample.gateway.read { db in
            try Self.tables.reduce(into: [:]) { tables, table in
                guard table != "usage_rejects" else { return }
                for row in try Row.fetchAll(db, sql: "SELECT * FROM \(table)") {
                    let plain = Dictionary(row.map { ($0.0, Self.plain($0.1)) }) { $1 }
                    tables[table, default: [:]][plain["id"] ?? ""] = plain
                }
            }
        }
    }

    private static func plain(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .null: "null"
        case .int64(let number): "\(Double(number))"
        case .double(let number): "\(number)"
        case .string(let text): "'\(text)'"
        case .blob(let data): "x\(data.base64EncodedString())"
        }
    }

    private static func plain(_ value: Any) -> String {
        switch value {
        case let text as String: "'\(text)'"
        case let number as NSNumber: "\(number.doubleValue)"
        case let object as [String: String]: "x\(object["$blob"] ?? "")"
        default: "null"
        }
    }

    /// The lines of every part that is on record and can be read where it is, or elsewhere under its own name.
    func archived() async throws -> [String: Set<Plain>] {
        var found: [String: Set<Plain>] = [:]
        for part in try await parts() {
            let moved = "\(elsewhere)/\(part.table)-\(URL(filePath: part.path).lastPathComponent)"
            for path in [part.path, moved]
            where (try? ArchiveReader.verify(path: path, expected: part.digest)) != nil {
                let table = part.table == "usage_rejects" ? "usage_logs" : part.table
                try ArchiveReader(path: path).forEachLine { line in
                    guard let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] else {
                        return
                    }
                    found[table, default: []].insert(object.mapValues(Self.plain))
                }
            }
        }
        return found
    }

    /// Rows that were there and now are neither in their table nor in an archive, by table and id.
    func lost(of before: [String: [String: Plain]]) async throws -> [String] {
        let present = try rows()
        let archived = try await archived()
        return before.flatMap { table, rows in
            rows.filter { id, row in present[table]?[id] == nil && archived[table]?.contains(row) != true }
                .map { "\(table) \($0.key)" }
        }.sorted()
    }

    /// How many rows of a table are old enough to go.
    func old(_ table: String) throws -> Int {
        let condition =
            switch table {
            case "usage_rejects": "created_at = 'yesterday'"
            case "job_runs": "started_at_ms < 1795000000000"
            case "webhook_attempts": "started_at < 1795000000000"
            case "webhook_deliveries": "settled_at < 1795000000000"
            case "webhook_events": "created_at < 1795000000000"
            case "system_metrics": "timestamp < '2026-11-16'"
            case "user_sessions": "expires_at < '2026-11-16'"
            case "rate_limits": "window_end < '2026-11-16'"
            case "audit_logs": "created_at < '2026-11-16' AND user_id <> 'tallyd'"
            default: "created_at < '2026-11-16'"
            }
        return try sample.value(
            "SELECT COUNT(*) FROM \(table == "usage_rejects" ? "usage_logs" : table) WHERE \(condition)") ?? 0
    }
}
