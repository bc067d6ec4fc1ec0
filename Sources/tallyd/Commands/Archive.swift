import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd archive`: the group.
struct Archive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, verify and restore the archives of purged rows.",
        discussion: """
            With TALLYD_ARCHIVE_DIRECTORY set, the rows of a day are written to a file there before they go: JSON Lines in zstd, which \
            zstdcat, DuckDB and pandas read as they are. Each row that is deleted was compared with its line. TALLYD_ARCHIVE_TABLES names the \
            tables, and TALLYD_ARCHIVE_COMMAND a program that takes the files on.

            EXAMPLES
              tallyd archive list
              tallyd archive list --table audit_logs
              tallyd archive verify                               read every file and compare it with what it should hold
              tallyd archive restore --day 2026-07-29             bring a day's usage back; no total changes
              tallyd archive restore --day 2026-07-29 --table conversations
              tallyd archive restore --day 2026-07-29 --into look.db
            """,
        subcommands: [ArchiveList.self, ArchiveVerify.self, ArchiveRestoreCommand.self],
        defaultSubcommand: ArchiveList.self)
}

/// Which tables' archives a command looks at.
struct ArchiveTableOptions: ParsableArguments {
    @Option(help: "Only archives of this table; those of conversations with their messages'.") var table: TableName?

    /// Nil: all.
    var tables: [RetentionTable]? { table.map { [$0.table] } }
}

/// `tallyd archive list`.
struct ArchiveList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the archives that are on record.")

    @OptionGroup var options: DatabaseOptions
    @OptionGroup var days: DayOptions
    @OptionGroup var tables: ArchiveTableOptions
    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let entries = try await ArchiveManifest(store: database.store).list(days.range, tables: tables.tables)
        guard !json else {
            print(try JSONValue.object(["archives": .array(entries.map(Self.json))]).text())
            return
        }
        guard !entries.isEmpty else {
            print(
                database.settings.retention.archiveDirectory == nil
                    ? "nothing is archived: TALLYD_ARCHIVE_DIRECTORY is not set" : "nothing is archived yet")
            return
        }
        var table = TextTable([
            .left("table"), .left("day"), .right("part"), .right("rows"), .right("file"), .right("content"),
            .left("rows gone at"), .left("file is"), .left(""),
        ])
        table.rows = entries.map { entry in
            [
                entry.table, entry.day.description, "\(entry.part)", Figures.count(entry.digest.rows),
                Figures.bytes(entry.digest.fileBytes), Figures.bytes(entry.digest.contentBytes),
                entry.usedAt?.description ?? "not yet", entry.place.rawValue, "",
            ]
        }
        print(table.lines(trailing: entries.map(\.path.printable)).joined(separator: "\n"))
    }

    private static func json(_ entry: ArchiveManifest.Entry) -> JSONValue {
        .object([
            "table": .string(entry.table), "day": JSONValue(entry.day), "part": JSONValue(entry.part),
            "path": .string(entry.path), "rows": JSONValue(entry.digest.rows), "first_id": JSONValue(entry.firstID),
            "last_id": JSONValue(entry.lastID), "sums": .object(entry.sums.mapValues { JSONValue($0) }),
            "content_bytes": JSONValue(entry.digest.contentBytes),
            "content_sha256": .string(entry.digest.contentSHA256),
            "file_bytes": JSONValue(entry.digest.fileBytes), "file_sha256": .string(entry.digest.fileSHA256),
            "created_at": JSONValue(entry.createdAt), "used_at": JSONValue(entry.usedAt),
            "taken_at": JSONValue(entry.takenAt), "file": .string(entry.place.rawValue),
        ])
    }
}

/// `tallyd archive verify`.
struct ArchiveVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read every archive and compare it with what is on record of it.",
        discussion: """
            Ends with 65 when one of them is not what it was, or is gone. One that TALLYD_ARCHIVE_COMMAND has taken away can't be verified here, \
            and is no reason to fail.
            """)

    @OptionGroup var options: DatabaseOptions
    @OptionGroup var days: DayOptions
    @OptionGroup var tables: ArchiveTableOptions
    @Flag(help: .jsonHelp) var json = false

    private struct Verdict {
        let entry: ArchiveManifest.Entry
        /// Nil: it is whole. Of one that was moved nobody knows here.
        var problem: String?
        var isMoved = false

        var json: JSONValue {
            [
                "table": .string(entry.table), "day": .string("\(entry.day)"), "part": JSONValue(entry.part),
                "path": .string(entry.path), "rows": JSONValue(entry.digest.rows),
                "verdict": .string(isMoved ? "moved" : problem == nil ? "whole" : "damaged"),
                "problem": JSONValue(problem),
            ]
        }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let interruption = Interruption()
        let entries = try await ArchiveManifest(store: database.store).list(days.range, tables: tables.tables)
        guard !entries.isEmpty || json else {
            print("there is no archive to verify")
            return
        }
        let bar = ProgressBar()
        defer { bar.clear() }
        var verdicts: [Verdict] = []
        for (number, entry) in entries.enumerated() {
            try interruption.check()
            bar.show("verifying \(entry.table) \(entry.day)", fraction: Double(number) / Double(entries.count))
            let verdict = try Self.verify(entry)
            verdicts.append(verdict)
            guard !json, verdict.isMoved || verdict.problem != nil else { continue }
            bar.clear()
            if let problem = verdict.problem { Terminal.complain(problem) }
            if verdict.isMoved { print("\(entry.path.printable): moved, not verifiable here") }
        }
        bar.clear()
        let damaged = verdicts.count { $0.problem != nil }
        if json {
            print(try JSONValue.object(["archives": .array(verdicts.map(\.json))]).text())
        } else if damaged == 0 {
            let whole = verdicts.filter { !$0.isMoved }
            let rows = whole.reduce(0) { $0 + $1.entry.digest.rows }
            let moved = verdicts.count - whole.count
            print(
                "whole: \(Figures.count(whole.count, "archive")) with \(Figures.count(rows, "row"))"
                    + (moved > 0 ? "; moved: \(Figures.count(moved))" : ""))
        } else {
            Terminal.complain(
                "\(Figures.count(damaged)) of \(Figures.count(entries.count, "archive")) can't be relied on")
        }
        guard damaged == 0 else { throw ExitCode(65) }
    }

    private static func verify(_ entry: ArchiveManifest.Entry) throws -> Verdict {
        guard entry.place != .moved else { return Verdict(entry: entry, isMoved: true) }
        do {
            try ArchiveReader.verify(path: entry.path, expected: entry.digest)
            return Verdict(entry: entry)
        } catch let error as StorageError {
            return Verdict(entry: entry, problem: "\(error)")
        }
    }
}

/// `tallyd archive restore`.
struct ArchiveRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring the rows of an archived day back.",
        discussion: """
            Into the database they came from, where they are counted already and no total changes; or, with --into, into another one, which is \
            made if it is not there. Rows that are there already stay as they are. Unless a hold keeps them, the next retention run removes \
            them again. Conversations come back with their messages, and of what was set aside the usage rows, which the rollup then sets \
            aside anew. An archive that TALLYD_ARCHIVE_COMMAND has taken away has to be brought back to its path first.
            """)

    @Option(help: ArgumentHelp("The day, as YYYY-MM-DD.", valueName: "day"), transform: DayOptions.day)
    var day: Day
    @Option(help: "The table whose archives are meant.") var table: TableName = TableName(.usageLogs)
    @Option(help: ArgumentHelp("Another database to restore into.", valueName: "file")) var into: String?
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let parts = try await ArchiveManifest(store: database.store).list(day...day, tables: [table.table])
        guard !parts.isEmpty else {
            throw ValidationError(
                "\(table.table.rawValue) has no archive of \(day): `tallyd archive list` names those that there are.")
        }
        let interruption = Interruption()
        let target = try await target(database)
        let outcome = try await ArchiveRestore(into: target).restore(
            parts, isOrigin: into == nil, shouldStop: { interruption.isRaised })
        try interruption.check()
        let present = outcome.present > 0 ? ", \(Figures.count(outcome.present, "row")) were there already" : ""
        let name = table.table == .usageLogs ? "" : "\(table.table.rawValue) "
        print("\(name)\(day): \(Figures.count(outcome.restored, "row")) restored into \(target.path)\(present)")
        guard into == nil, outcome.restored > 0 else { return }
        let scope = table.table == .usageLogs ? "" : "--table \(table.table.rawValue) "
        print("To keep them from the next retention run: tallyd hold add \(scope)--from \(day) --to \(day) --reason …")
    }

    private func target(_ database: UsageDatabase) async throws -> Store {
        guard let into else { return database.store }
        let store = try Store.creating(path: into, pace: database.settings.pace)
        if try await !Migrator(store: store).status().isCurrent {
            _ = try await Migrator(store: store).migrate { _ in }
        }
        return store
    }
}
