import ArgumentParser
import Foundation

/// `gateway-sim generate`: a past period's usage, as fast as the disk takes it.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fills a usage database with a realistic past period. The same options give the same rows."
    )

    @Option(help: "The database file. It must already hold the gateway's tables.")
    var database: String

    @Option(help: "How many requests, 1 or more.")
    var rows = 300_000

    @Option(help: "How many days, 1 to 3660.")
    var days = 30

    @Option(help: "When the period ends, in ISO 8601.")
    var until = "2026-11-24T00:00:00Z"

    @Option(help: "How many users, 1 or more. A few of them make up most of the traffic.")
    var users = 400

    @Option(help: "How many models, 1 or more. From 6 on, one has no price; from 12 on, two.")
    var models = 12

    @Option(help: "What the random numbers start from.")
    var seed: UInt64 = 1

    // Once in 128 MB: an index page that many rows touch is then copied back once, not each time.
    @Option(help: "Pages in the write-ahead log at which it is copied back; SQLite itself says 1000.")
    var walAutocheckpoint = 32_768

    func validate() throws {
        guard rows >= 1 else { throw ValidationError("--rows is \(rows); give 1 or more.") }
        guard (1...3_660).contains(days) else { throw ValidationError("--days is \(days); give 1 to 3660.") }
        guard users >= 1 else { throw ValidationError("--users is \(users); give 1 or more.") }
        guard walAutocheckpoint >= 0 else {
            throw ValidationError("--wal-autocheckpoint is \(walAutocheckpoint); give 0 (never) or more.")
        }
        guard models >= 1 else { throw ValidationError("--models is \(models); give 1 or more.") }
        _ = try end()
    }

    func run() throws {
        let connection = try SQLiteConnection(path: database)
        try connection.requireGatewayTables()
        // 128 MB, so that the indexes' pages stay at hand while millions of rows go in.
        try connection.execute("PRAGMA cache_size = -131072")
        try connection.execute("PRAGMA wal_autocheckpoint = \(walAutocheckpoint)")
        try PriceList.enter(Model.offer(models), into: connection)
        let period = Period(
            rhythm: Rhythm(days: days, until: try end(), requests: rows, seed: seed),
            traffic: Traffic(users: users, models: models, seed: seed, requestPrefix: "req-\(seed)-\(rows)-"),
            seed: seed,
            rows: rows
        )
        let progress = ProgressLine("requests", total: rows)
        let clock = ContinuousClock()
        let began = clock.now
        try period.insert(into: connection, progress)
        let seconds = (clock.now - began) / .seconds(1)
        print(String(format: "%d requests over %d days written in %.1f s", rows, days, seconds))
    }

    private func end() throws -> WallTime {
        guard let date = try? Date(until, strategy: .iso8601) else {
            throw ValidationError("--until is \(until); write a moment such as 2026-11-24T00:00:00Z.")
        }
        return WallTime(milliseconds: Int64((date.timeIntervalSince1970 * 1_000).rounded()))
    }
}
