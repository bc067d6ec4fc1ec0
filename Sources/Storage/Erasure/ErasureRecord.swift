import Foundation
import GRDB
import Scheduling

/// The row of an erasure that is under way: under which pseudonym it goes on after a crash, and what it did so far.
struct ErasureRecord: Sendable {
    let user: String
    let pseudonym: String

    static func find(_ user: String, _ db: Database) throws -> ErasureRecord? {
        try String.fetchOne(db, sql: "SELECT pseudonym FROM erasures WHERE user_id = ?", arguments: [user])
            .map { ErasureRecord(user: user, pseudonym: $0) }
    }

    /// The one that is under way, or a new one. Of its 16 random bytes nothing leads back to the user.
    static func findOrBegin(_ user: String, now: Instant, _ db: Database) throws -> ErasureRecord {
        if let present = try find(user, db) { return present }
        try db.execute(
            sql: """
                INSERT INTO erasures (pseudonym, user_id, begun_at_ms)
                VALUES ('erased-' || lower(hex(randomblob(16))), ?, ?)
                """,
            arguments: [user, now.milliseconds])
        guard let begun = try find(user, db) else {
            throw StorageError(
                .failed, cannot: "begin", "an erasure", because: "its row is not there",
                remedy: "Look for a trigger on the table erasures.")
        }
        return begun
    }

    static func isPseudonym(_ user: String, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM erasures WHERE pseudonym = ?)", arguments: [user]) ?? false
    }

    /// Within the transaction of what is counted, so that a crash loses none of it.
    func add(_ rows: Int, to name: String, _ db: Database) throws {
        guard rows > 0 else { return }
        try db.execute(
            sql: """
                UPDATE erasures
                SET counts = json_set(counts, ?2, COALESCE(json_extract(counts, ?2), 0) + ?3)
                WHERE pseudonym = ?1
                """,
            arguments: [pseudonym, "$.\(name)", rows])
    }

    func counts(_ db: Database) throws -> [String: Int] {
        let text = try String.fetchOne(
            db, sql: "SELECT counts FROM erasures WHERE pseudonym = ?", arguments: [pseudonym])
        return try JSONDecoder().decode([String: Int].self, from: Data((text ?? "{}").utf8))
    }

    // MARK: Files that are to go

    func oldFiles(_ db: Database) throws -> [String] {
        try String.fetchAll(
            db, sql: "SELECT value FROM erasures, json_each(old_files) WHERE pseudonym = ?", arguments: [pseudonym])
    }

    func addOldFile(_ path: String, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE erasures SET old_files = json_insert(old_files, '$[#]', ?) WHERE pseudonym = ?",
            arguments: [path, pseudonym])
    }

    func forgetOldFiles(_ db: Database) throws {
        try db.execute(sql: "UPDATE erasures SET old_files = '[]' WHERE pseudonym = ?", arguments: [pseudonym])
    }

    /// From here on nothing names the user.
    func end(now: Instant, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE erasures SET user_id = NULL, ended_at_ms = ? WHERE pseudonym = ?",
            arguments: [now.milliseconds, pseudonym])
    }
}
