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

    /// Writes until its time is over or a stop is asked for. SQLITE_BUSY is counted and not retried; any other failure throws.
    func run(on connection: SQLiteConnection, _ traffic: Traffic, until stop: StopSignal) throws -> WriteReport {
        let insert = try SQLiteStatement(connection, UsageRow.insert)
        let update = try SQLiteStatement(connection, Correction.update)
        let delete = try SQLiteStatement(connection, "DELETE FROM usage_logs WHERE id = ?")
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

            traffic.next(at: .now(), lateShare: latePercent / 100, isLive: true).bind(to: insert)
            let began = clock.now
            let outcome = try insert.run()
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
