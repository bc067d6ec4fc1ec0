import CSQLiteConfig
import Foundation
package import GRDB
import GRDBSQLite

/// The database as this program holds it: one polite writer and few readers, each a connection of its own.
///
/// Reads are snapshots that block nobody and are blocked by nobody (the file is in WAL mode); every write goes through `writer`.
/// Closing happens when the last reference goes.
package final class Store: Sendable {
    package let path: String
    package let writer: PoliteWriter
    let readers: [DatabaseQueue]
    /// The file as it was opened.
    private let identity: FileIdentity?
    /// The gateway's file must have these tables to be a usage database at all, and usage_logs these columns to be counted.
    static let requiredTables = ["usage_logs", "daily_usage_stats", "model_pricing", "schema_metadata"]
    static let requiredUsageColumns = [
        "id", "user_id", "request_id", "model", "input_tokens", "output_tokens", "total_tokens", "cost", "latency",
        "status",
        "created_at",
    ]

    /// Opens an existing usage database. Creates nothing; the only thing it may change is the journal mode, to WAL, which the gateway
    /// has to use as well.
    ///
    /// - Parameter steps: for tests, see `Allowance.Steps`.
    /// - Throws: `StorageError`, in words, for whatever is not a readable and writable SQLite database.
    package convenience init(
        path: String, pace: Pace = Pace(), steps: Allowance.Steps? = nil, prepare: Preparation? = nil
    ) throws {
        try self.init(path: path, pace: pace, steps: steps, prepare: prepare, creating: false)
    }

    /// Called with each connection as it is opened: how tests put failures into SQLite itself.
    package typealias Preparation = @Sendable (Database) throws -> Void

    /// As `init(path:pace:steps:)`, but makes an empty file where there is none. For `migrate`, which fills it.
    package static func creating(path: String, pace: Pace = Pace(), steps: Allowance.Steps? = nil) throws -> Store {
        try Store(path: path, pace: pace, steps: steps, prepare: nil, creating: true)
    }

    private init(path: String, pace: Pace, steps: Allowance.Steps?, prepare: Preparation?, creating: Bool) throws {
        self.path = path
        _ = Self.isConfigured
        try Self.examine(path, creating: creating)
        // Before it is opened: one that is replaced in between is then found to be another one.
        identity = FileIdentity(path: path)
        do {
            let queue = try DatabaseQueue(path: path, configuration: Self.writing(pace, prepare))
            writer = PoliteWriter(queue: queue, path: path, pace: pace, steps: steps)
            readers = try (0..<2).map { _ in try DatabaseQueue(path: path, configuration: Self.reading(prepare)) }
        } catch {
            throw StorageError.wrapping(error, cannot: "open", path)
        }
    }

    /// Once in a process, before its first connection.
    private static let isConfigured: Bool = {
        let isCounting = csqliteconfig_count_no_memory() != SQLITE_OK
        return LogBatching.install() && !isCounting
    }()

    /// The mistakes that SQLite would answer with a bare code, or by making a new file.
    static func examine(_ path: String, creating: Bool) throws {
        func refuse(_ kind: StorageError.Kind, _ cause: String, _ remedy: String) -> StorageError {
            StorageError(kind, cannot: "open", path, because: cause, remedy: remedy)
        }
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let folder = Self.folder(of: path)
        guard !isFolder.boolValue else {
            throw refuse(.notADatabase, "it is a folder", "Name the database file in it.")
        }
        guard exists || creating else {
            throw refuse(
                .missing, "there is no such file",
                "Check TALLYD_DATABASE or --database; `tallyd migrate --database \(path)` makes a new one.")
        }
        let target = exists ? path : (folder.isEmpty ? "." : folder)
        guard access(target, R_OK) == 0 else {
            throw refuse(
                .readOnly, "it may not be read", "Give tallyd's user read and write access to it and to its folder.")
        }
        // SQLite needs the folder too, for the -wal and -shm files.
        guard access(target, W_OK) == 0, access(folder.isEmpty ? "." : folder, W_OK) == 0 else {
            throw refuse(
                .readOnly, "it or its folder may not be written",
                "Give tallyd's user write access to the file, its -wal and -shm, and their folder (chmod g+w, setgid).")
        }
    }

    private static func writing(_ pace: Pace, _ prepare: Preparation?) -> Configuration {
        var configuration = Configuration()
        configuration.label = "tallyd.writer"
        // While opening: whoever closes the file last, or opens it first after a crash, has it alone for a moment, and a gateway in rollback mode
        // may take this long. Afterwards PoliteWriter waits by itself.
        configuration.busyMode = .timeout(5)
        // A ROLLBACK that fails is tried again before the next transaction.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { db in
            if try String.fetchOne(db, sql: "PRAGMA journal_mode") != "wal", try !isForeign(db) {
                // Needs the file for itself for a moment.
                try db.execute(sql: "PRAGMA journal_mode = WAL")
            }
            // A commit of ours may be lost with the machine's power but never half; the rollup then counts the same rows again.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            // Debian's SQLite overwrites what is deleted, unless it is told otherwise. By default that is FAST: dropping one index of five million
            // rows else writes 73,000 pages (301 MB of log) in one transaction.
            try PoliteWriter.set(pace.secureDelete, db)
            csqliteconfig_fire_triggers(db.sqliteConnection, 0)  // see PoliteWriter.write
            // 16 MiB: the pages of daily_usage_stats and its two indexes that a batch of a week touches.
            try db.execute(sql: "PRAGMA cache_size = -16384")
            // an I/O error under a mapping is a signal, not an error code
            try db.execute(sql: "PRAGMA mmap_size = 0")
            try db.execute(sql: "PRAGMA busy_timeout = 0")
            try prepare?(db)
        }
        return configuration
    }

    /// Somebody else's database: it will be refused, and is to stay as it was until then.
    private static func isForeign(_ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT COUNT(*) > 0 AND SUM(lower(name) = 'usage_logs') = 0
                FROM sqlite_master
                WHERE name NOT LIKE 'sqlite_%'
                """) ?? false
    }

    private static func reading(_ prepare: Preparation?) -> Configuration {
        var configuration = Configuration()
        configuration.label = "tallyd.reader"
        configuration.readonly = true
        configuration.allowsUnsafeTransactions = true  // see `read`
        configuration.busyMode = .timeout(1)  // only ever waits for a recovery after a crash
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA mmap_size = 0")
            try prepare?(db)
        }
        return configuration
    }

    /// The part of a path before its last slash; empty for a bare name. Not NSString's: that traps on a path of one character.
    package static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ""
    }

    /// Reads from one snapshot. A task's cancellation does not interrupt it: snapshots are short.
    package func read<T: Sendable>(
        _ operation: String = "read", on reader: Int = 0, _ work: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        let answer: Result<T, any Error> = await withCheckedContinuation { continuation in
            // Not GRDB's asyncRead, which ends the program when the snapshot's own COMMIT fails (it can: an interrupt, an I/O error).
            readers[reader % readers.count].asyncWriteWithoutTransaction { db in
                continuation.resume(returning: Result { try Self.snapshot(db, work) })
            }
        }
        do {
            return try answer.get()
        } catch {
            throw StorageError.wrapping(error, cannot: operation, path)
        }
    }

    /// A read that is one of many in a row, and takes long: leaves a gap behind it without a snapshot.
    ///
    /// The log is begun anew only by a commit that finds no snapshot in the way. With one after the other a gateway at 500 inserts a second met no such
    /// moment in a minute, and its log grew to 42 MiB (measured while 72 days were sealed).
    func readOneOfMany<T: Sendable>(
        _ operation: String, on reader: Int = 0, _ work: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        try await leavingGap { try await read(operation, on: reader, work) }
    }

    /// The same of two that read at once, with one gap for both: two rows of readings that know nothing of each other seldom pause together.
    func readTwoOfMany<T: Sendable>(
        _ operation: String, _ first: @escaping @Sendable (Database) throws -> T,
        _ second: @escaping @Sendable (Database) throws -> T
    ) async throws -> (T, T) {
        try await leavingGap {
            async let one = read(operation, on: 0, first)
            async let other = read(operation, on: 1, second)
            return try await (one, other)
        }
    }

    private func leavingGap<T: Sendable>(_ read: () async throws -> T) async throws -> T {
        let (result, took) = try await writer.longReads.during {
            let began = MonotonicClock.nanoseconds()
            return (try await read(), MonotonicClock.nanoseconds() - began)
        }
        if took >= Self.longRead { try? await Task.sleep(nanoseconds: Self.gap) }
        return result
    }

    private static let longRead: UInt64 = 50_000_000
    /// Five inserts of a gateway with 500 a second: one to copy the log back, and one to begin it anew.
    private static let gap: UInt64 = 10_000_000

    /// Reads two things at once, each from a snapshot of its own.
    ///
    /// The first connection's thread wakes the second's before it sets to work, so that the kernel has one idle processor to find and not two
    /// threads to wake from one: then both often waited for the same processor (measured: 4.6 ms in place of 2.4 for 5,000 rows each).
    func readBoth(
        _ operation: String, _ first: @escaping @Sendable (Database) throws -> Void,
        _ second: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        let answer: Result<Void, any Error> = await withCheckedContinuation { continuation in
            let both = Join(of: 2) { continuation.resume(returning: $0) }
            readers[0].asyncWriteWithoutTransaction { [readers] db in
                readers[1].asyncWriteWithoutTransaction { db in
                    both.done(Result { try Self.snapshot(db, second) })
                }
                both.done(Result { try Self.snapshot(db, first) })
            }
        }
        do {
            try answer.get()
        } catch {
            throw StorageError.wrapping(error, cannot: operation, path)
        }
    }

    private static func snapshot<T>(_ db: Database, _ work: (Database) throws -> T) throws -> T {
        if db.isInsideTransaction { try db.rollback() }
        // Prepared once: a look of the rollup's is over in less time than SQLite takes to read these words.
        try db.cachedStatement(sql: "BEGIN DEFERRED").execute()
        defer { end(db) }
        return try work(db)
    }

    /// Lets a snapshot go; what can't be ended now is ended before the next one.
    private static func end(_ db: Database) {
        if db.isInsideTransaction { try? db.cachedStatement(sql: "ROLLBACK").execute() }
    }

    /// Checks that the file is a usage database of the contract.
    package func checkShape() async throws {
        let path = path
        try await read("examine") { db in
            for table in Self.requiredTables where try !db.tableExists(table) {
                throw StorageError(
                    .notAUsageDatabase, cannot: "use", path,
                    because: "it has no table \(table), so it is no gateway's usage database",
                    remedy: "Name the gateway's database file in TALLYD_DATABASE or --database.")
            }
            let columns = Set(try db.columns(in: "usage_logs").map { $0.name.lowercased() })
            for column in Self.requiredUsageColumns where !columns.contains(column) {
                throw StorageError(
                    .notAUsageDatabase, cannot: "use", path, because: "its table usage_logs has no column \(column)",
                    remedy: "Bring the gateway's schema to version 1.0.0 first: see migrations/001_initial_schema.sql.")
            }
        }
    }

    /// Reads one value, to show that the store answers.
    package func answers() async throws -> Bool {
        try await read("ask") { db in try RollupState.read(db).claim >= 0 }
    }

    /// What has become of the file by its name.
    package enum Whereabouts: Sendable, Equatable {
        case there
        /// Its name leads nowhere, or nobody may look.
        case gone
        /// Its name leads to another file.
        case replaced
    }

    /// Whether the name still leads to the file that is open. What is written to one that was replaced or removed is in nobody's database.
    package var whereabouts: Whereabouts {
        guard let now = FileIdentity(path: path) else { return .gone }
        guard let identity else { return .there }
        return now.isSameFile(as: identity) ? .there : .replaced
    }

    /// The version of the SQLite that is linked, such as 3.40.1.
    package static var sqliteVersion: String { String(cString: sqlite3_libversion()) }
}
