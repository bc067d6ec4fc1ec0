import Foundation
import GRDBSQLite

/// A file of SQL as it stands in the checkout, which is found from where this source was compiled.
struct SQLScript {
    static let numbered = [
        "migrations/001_initial_schema.sql", "migrations/002_exact_rollup.sql", "migrations/003_job_pauses.sql",
        "migrations/004_retention.sql", "migrations/005_archives.sql", "migrations/006_erasures.sql",
        "migrations/007_webhook_outbox.sql", "migrations/008_archive_drafts.sql",
    ]
    static let setup = ["migrations/dev_seed.sql", "migrations/prod_setup.sql", "migrations/run_migrations.sql"]
    static let all = ["schema.sql"] + numbered + setup

    let text: String

    init(text: String) { self.text = text }

    init(_ name: String) throws { text = String(decoding: try Self.bytes(name), as: UTF8.self) }

    static func bytes(_ name: String) throws -> Data {
        let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try Data(contentsOf: checkout.appending(path: name))
    }

    /// The single statements, cut where SQLite itself finds each complete: a trigger's body stays whole.
    var statements: [String] {
        var found: [String] = []
        var start = text.startIndex
        for end in text.indices where text[end] == ";" {
            let statement = String(text[start...end])
            guard sqlite3_complete(statement) != 0 else { continue }
            found.append(statement)
            start = text.index(after: end)
        }
        return found
    }
}
