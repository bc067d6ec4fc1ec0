/// What the program knows of itself, and hands in to have it stored.
package struct OwnFigures: Sendable, Equatable {
    /// Usage rows that are not counted yet, at most.
    package var lagRows: Int64
    /// Age of the oldest of them; zero when all are counted, nil when its time can't be read.
    package var lag: Duration?
    package var lanes: Int
    /// Time since the lane that has been silent longest gave a sign; nil while none has.
    package var oldestHeartbeat: Duration?
    /// Runs that have ended since the reading before, by outcome; `running` is none.
    package var runs: [JobLedger.State: Int]
    /// For how long these held the write lock.
    package var lockTime: Duration

    package init(
        lagRows: Int64, lag: Duration?, lanes: Int, oldestHeartbeat: Duration?, runs: [JobLedger.State: Int],
        lockTime: Duration
    ) {
        self.lagRows = lagRows
        self.lag = lag
        self.lanes = lanes
        self.oldestHeartbeat = oldestHeartbeat
        self.runs = runs
        self.lockTime = lockTime
    }

    /// - Parameter elapsed: since the reading before; nil for the first, which says nothing of runs.
    package func rows(elapsed: Duration?) -> [MetricRow] {
        var rows = [MetricRow(.lagRows, Double(lagRows)), MetricRow(.lanes, Double(lanes))]
        if let lag { rows.append(MetricRow(.lagTime, lag / .seconds(1))) }
        if let oldestHeartbeat { rows.append(MetricRow(.heartbeatAge, oldestHeartbeat / .seconds(1))) }
        guard let elapsed else { return rows }
        // Each outcome, also where there was none: a series with gaps would read as unknown.
        for outcome in [JobLedger.State.succeeded, .failed, .cancelled, .crashed] {
            rows.append(
                MetricRow(.runs, Double(runs[outcome] ?? 0), [MetricRow.Tag.outcome: outcome.rawValue]))
        }
        return rows + [
            MetricRow(.runLockTime, lockTime / .seconds(1)), MetricRow(.interval, elapsed / .seconds(1)),
        ]
    }
}
