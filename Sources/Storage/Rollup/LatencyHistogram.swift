import GRDB

/// One day's requests of one model by latency bucket, and its text in usage_latency_histograms: a JSON object from bucket to count.
struct LatencyHistogram: Equatable {
    /// Never holds a zero.
    private(set) var counts: [Int: Int64] = [:]

    init() {}

    /// Reads what `json` writes; white space is allowed, nothing else is.
    ///
    /// - Throws: `StorageError` of kind `corrupt` for a text that somebody else wrote.
    init(json: String) throws {
        for pair in json.filter({ !$0.isWhitespace }).dropFirst().dropLast().split(separator: ",") {
            let parts = pair.split(separator: ":")
            guard parts.count == 2, let bucket = Int(parts[0].filter { $0 != "\"" }), let requests = Int64(parts[1])
            else {
                throw StorageError(
                    .corrupt, cannot: "read", "a histogram in usage_latency_histograms",
                    because: "\(pair) is no bucket and count",
                    remedy: "Delete that row and run `tallyd rollup rebuild` for its day.")
            }
            counts[bucket] = requests
        }
    }

    var json: String {
        "{" + counts.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    mutating func add(_ requests: Int64, to bucket: Int) {
        let sum = counts[bucket, default: 0] + requests
        counts[bucket] = sum == 0 ? nil : sum
    }

    /// Adds to what is stored of a day and model. A histogram that becomes empty is removed.
    static func add(_ changes: [(bucket: Int, requests: Int64)], date: String, model: String, _ db: Database) throws {
        let stored = try String.fetchOne(
            db.cachedStatement(sql: "SELECT buckets FROM usage_latency_histograms WHERE date = ? AND model = ?"),
            arguments: [date, model])
        var histogram = try stored.map { try LatencyHistogram(json: $0) } ?? LatencyHistogram()
        for (bucket, requests) in changes { histogram.add(requests, to: bucket) }
        if histogram.counts.isEmpty {
            try db.execute(
                sql: "DELETE FROM usage_latency_histograms WHERE date = ? AND model = ?", arguments: [date, model])
        } else {
            try db.cachedStatement(
                sql: """
                    INSERT INTO usage_latency_histograms (date, model, buckets)
                    VALUES (?1, ?2, ?3)
                    ON CONFLICT (date, model) DO UPDATE SET buckets = ?3
                    """
            ).execute(arguments: [date, model, histogram.json])
        }
    }
}
