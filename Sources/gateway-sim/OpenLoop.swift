/// A writer that keeps to its schedule whatever the database does, as a gateway's clients do: a request that had to wait makes
/// the ones behind it late, and the report shows it, instead of the writer quietly asking less.
struct OpenLoop {
    /// INSERTs a second.
    var rate: Double
    /// When to end without being told to; nil never does.
    var lasting: Duration?
    var latePercent: Double
    /// After how many of a hundred INSERTs a recent row is corrected, and removed.
    var updatePercent: Double
    var deletePercent: Double
    var events: WebhookEvents?

    /// Writes until its time is over or a stop is asked for. SQLITE_BUSY is counted and not retried; any other failure throws.
    func run(on connection: SQLiteConnection, _ traffic: Traffic, until stop: StopSignal) throws -> WriteReport {
        let insert = try SQLiteStatement(connection, UsageRow.insert)
        let update = try SQLiteStatement(connection, Correction.update)
        let delete = try SQLiteStatement(connection, "DELETE FROM usage_logs WHERE id = ?")
        var telling = try events.map { try Telling($0, connection) }
        let clock = ContinuousClock()
        let start = clock.now
        var traffic = traffic
        var recent = RecentRows()
        var report = WriteReport()

        for request in 0... {
            let elapsed = Duration.seconds(Double(request) / rate)
            if let lasting, elapsed >= lasting { break }
            let due = start + elapsed
            if stop.arrives(within: clock.now.duration(to: due)) { break }

            let row = traffic.next(at: .now(), lateShare: latePercent / 100, isLive: true)
            row.bind(to: insert)
            let tells = events.map { traffic.happens(percent: $0.percent) } ?? false
            let began = clock.now
            let outcome = try tells ? telling?.run(insert, row) ?? insert.run() : insert.run()
            let ended = clock.now
            report.statement.record(began.duration(to: ended))
            report.fromDue.record(due.duration(to: ended))
            switch outcome {
            case .done:
                report.count += 1
                recent.add(connection.lastInsertedID)
            case .busy:
                report.busy += 1
            }

            if traffic.happens(percent: updatePercent), let id = recent.any(&traffic) {
                traffic.nextCorrection().bind(to: update, id: id)
                switch try update.run() {
                case .done: report.updates += 1
                case .busy: report.busy += 1
                }
            }
            if traffic.happens(percent: deletePercent), let id = recent.any(&traffic) {
                delete.bind(id, at: 1)
                switch try delete.run() {
                case .done:
                    report.deletes += 1
                    recent.forget(id)
                case .busy: report.busy += 1
                }
            }
        }
        report.seconds = start.duration(to: clock.now) / .seconds(1)
        return report
    }
}

/// A request and its event, in one transaction.
private struct Telling {
    private var events: WebhookEvents
    private let begin: SQLiteStatement
    private let event: SQLiteStatement
    private let commit: SQLiteStatement

    init(_ events: WebhookEvents, _ connection: SQLiteConnection) throws {
        self.events = events
        begin = try SQLiteStatement(connection, "BEGIN IMMEDIATE")
        event = try SQLiteStatement(connection, WebhookEvents.insert)
        commit = try SQLiteStatement(connection, "COMMIT")
    }

    mutating func run(_ insert: SQLiteStatement, _ row: UsageRow) throws -> SQLiteStatement.Outcome {
        // With the lock in hand nothing after it is busy.
        guard try begin.run() == .done else { return .busy }
        _ = try insert.run()
        events.bind(to: event, for: row)
        _ = try event.run()
        return try commit.run()
    }
}
