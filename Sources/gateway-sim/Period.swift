/// A past period's requests on their way into usage_logs, in order of arrival.
struct Period {
    let rhythm: Rhythm
    let traffic: Traffic
    let seed: UInt64
    let rows: Int

    /// Enough to make the commits cheap, little enough for a commit to be done in an instant.
    private static let rowsPerTransaction = 50_000

    /// Inserts every request; each 50,000 of them are one transaction.
    func insert(into connection: SQLiteConnection, _ progress: ProgressLine) throws {
        var traffic = traffic
        // A generator of its own, so that how requests fall within the hour does not change what they ask.
        var random = SplitMix64(seed: ~seed)
        let statement = try SQLiteStatement(connection, UsageRow.insert)
        let unreadable = unreadableRows()
        var written = 0
        try connection.execute("BEGIN IMMEDIATE")
        defer { progress.end() }
        for hour in rhythm.requestsPerHour.indices {
            for request in 0..<rhythm.requestsPerHour[hour] {
                let arrival = rhythm.moment(hour: hour, request: request, &random)
                var row = traffic.next(at: arrival, lateShare: 0.01, isLive: false)
                if let time = unreadable[written] {
                    row.createdAt = time
                }
                row.bind(to: statement)
                guard try statement.run() == .done else {
                    throw connection.failure("insert", row.requestID)
                }
                written += 1
                if written.isMultiple(of: Self.rowsPerTransaction) {
                    try connection.execute("COMMIT")
                    progress.show(written)
                    try connection.execute("BEGIN IMMEDIATE")
                }
            }
        }
        try connection.execute("COMMIT")
        progress.show(written)
    }

    /// Which rows carry a time that nobody can read: one in 20,000, at least one, at most 20, evenly spread.
    private func unreadableRows() -> [Int: StoredTime] {
        let count = max(1, min(20, rows / 20_000))
        guard rows >= 1_000 else { return [:] }
        var places: [Int: StoredTime] = [:]
        for index in 0..<count {
            places[(2 * index + 1) * rows / (2 * count)] = StoredTime.unreadable[index % StoredTime.unreadable.count]
        }
        return places
    }
}
