import GRDB
import Scheduling
import Synchronization

extension Erasure {
    /// What an erasure would do, and what stands in its way. Reads everything and changes nothing.
    package struct Plan: Sendable, Equatable {
        package struct Table: Sendable, Equatable {
            package let name: String
            /// The person's own rows.
            package var rows = 0
            /// Rows of others that name them.
            package var naming = 0
            package let isDeleted: Bool
        }

        package struct Archive: Sendable, Equatable {
            package let entry: ArchiveManifest.Entry
            /// Lines of the person's, and lines that name them.
            package let lines: Int
        }

        /// In the order of the work; only tables that have something.
        package var tables: [Table] = []
        package var archives: [Archive] = []
        /// Files on record that were looked through.
        package var archivesRead = 0
        package var obstacles: [StorageError] = []
        /// Tables that are not the contract's and have rows of the person's in a column user_id: these stay.
        package var unknownTables: [String] = []
        /// Whether an earlier run was cut.
        package var isUnderWay = false

        package var hasAnything: Bool { isUnderWay || !tables.isEmpty || !archives.isEmpty }
    }

    package func plan(progress: @escaping @Sendable (String) -> Void = { _ in }) async throws -> Plan {
        try await checkUser()
        var plan = Plan()
        let (user, zone, now, exceptions) = (user, zone, now(), exceptions)
        let (columns, holds, isUnderWay, unknown) = try await store.read("look at") { db in
            (
                try ErasureColumns.read(db, leaving: exceptions.columns),
                try ErasureHolds(db, user: user, zone: zone, now: now),
                try ErasureRecord.find(user, db) != nil, try Self.unknownTables(db, user)
            )
        }
        plan.isUnderWay = isUnderWay
        plan.unknownTables = unknown
        if let hold = holds.personal { plan.obstacles.append(ErasureHolds.refusal(hold)) }
        for rule in ErasureRule.all {
            progress("looking at \(rule.table)")
            var table = Plan.Table(name: rule.table, isDeleted: rule.treatment == .deleted)
            if let hold = try await count(rule, into: &table), plan.obstacles.isEmpty {
                plan.obstacles.append(ErasureHolds.refusal(hold))
            }
            if table.rows > 0 || table.naming > 0 { plan.tables.append(table) }
        }
        if !plan.tables.isEmpty { plan.obstacles += columns.obstacles }
        try await lookThroughArchives(&plan, holds, progress)
        return plan
    }

    private func checkUser() async throws {
        let user = user
        func refuse(_ cause: String, _ remedy: String) -> StorageError {
            StorageError(.failed, cannot: "erase", "user \(user)", because: cause, remedy: remedy)
        }
        guard !user.isEmpty else { throw refuse("the name is empty", "Name the user as user_id has it.") }
        guard user != "tallyd" else { throw refuse("that is this program's own name in audit_logs", "Name a person.") }
        guard user.utf8.count <= KeyInterner.longestKeyBytes, !user.utf8.contains(0) else {
            throw refuse(
                "rows under it are set aside, and would count under a pseudonym",
                "Give these rows a user_id of at most \(KeyInterner.longestKeyBytes) bytes, and erase that one.")
        }
        let isPseudonym = try await store.read("look at") { db in try ErasureRecord.isPseudonym(user, db) }
        guard !isPseudonym else { throw refuse("it is the pseudonym of somebody erased", "Nobody is known by it.") }
    }

    /// Counts the rows. Returns a hold that keeps one of them.
    private func count(_ rule: ErasureRule, into table: inout Plan.Table) async throws -> RetentionHolds.Hold? {
        guard rule.hasRows else { return nil }
        let (user, zone, now) = (user, zone, now())
        let (rows, hold) = try await store.read("count rows of \(rule.table) in") {
            db -> (Int, RetentionHolds.Hold?) in
            var holds = try ErasureHolds(db, user: user, zone: zone, now: now)
            let rows = try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM \(rule.table) WHERE \(rule.isOwn)",
                arguments: rule.isOwn == "0" ? [] : [user])
            guard !holds.areNone, let rows, rows > 0, rule.isHeld else {
                return (rows ?? 0, nil)
            }
            let times = try Row.fetchCursor(
                db,
                sql: "SELECT \((["1"] + rule.times).joined(separator: ", ")) FROM \(rule.table) WHERE \(rule.isOwn)",
                arguments: [user])
            while let row = try times.next() {
                if let hold = holds.hold(on: rule, row: row, times: 1..<(1 + rule.times.count)) { return (rows, hold) }
            }
            return (rows, nil)
        }
        table.rows = rows
        guard !rule.json.isEmpty || !rule.names.isEmpty else { return hold }
        let naming = Mutex(Naming())
        try await self.naming(rule) { part in
            naming.withLock {
                $0.rows += part.rows
                $0.hold = $0.hold ?? part.hold
            }
        }
        let found = naming.withLock { $0 }
        table.naming = found.rows.count
        return hold ?? found.hold
    }

    private static func unknownTables(_ db: Database, _ user: String) throws -> [String] {
        let tables = try String.fetchAll(
            db,
            sql: """
                SELECT m.name
                FROM sqlite_master m
                JOIN pragma_table_info(m.name) c ON lower(c.name) = 'user_id'
                WHERE m.type = 'table'
                ORDER BY m.name
                """)
        return try tables.filter { table in
            guard ErasureRule.of(table) == nil else { return false }
            return try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM \(ArchiveSource.list([table])) WHERE user_id = ?)",
                arguments: [user]) ?? false
        }
    }

    private func lookThroughArchives(
        _ plan: inout Plan, _ holds: ErasureHolds, _ progress: @Sendable (String) -> Void
    ) async throws {
        let entries = try await ArchiveManifest(store: store).list()
        for (number, entry) in entries.enumerated() where !exceptions.archives.contains(entry.path) {
            progress("reading archive \(number + 1) of \(entries.count)")
            do {
                let lines = try ArchiveErasure(entry: entry, user: user, exceptions: exceptions, files: files).count()
                plan.archivesRead += 1
                guard lines > 0 else { continue }
                plan.archives.append(Plan.Archive(entry: entry, lines: lines))
                if let hold = holds.hold(onArchiveOf: entry.table, day: entry.day) {
                    plan.obstacles.append(ErasureHolds.refusal(hold))
                }
            } catch let error as StorageError {
                plan.obstacles.append(
                    StorageError(
                        error.kind, cannot: "look for the user in", entry.path, because: error.cause,
                        remedy:
                            "Bring the file back from a copy. If it is lost for good, leave it with --leave-archive \(entry.path)."
                    ))
            }
        }
    }
}

extension ErasureRule {
    /// Whether rows of the person's may be in it.
    var hasRows: Bool {
        if case .nobodys = treatment { return false }
        return table != "erasures"
    }

    /// Whether a hold may keep its rows; tallyd's own notes are not what a hold is for.
    var isHeld: Bool { !times.isEmpty && isOwn != "0" && table != "usage_changes" }
}
