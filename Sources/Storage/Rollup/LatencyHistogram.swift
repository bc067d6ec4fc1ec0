import GRDB

/// One day's requests of one model by latency bucket, and its text in usage_latency_histograms: a JSON object from bucket to count.
///
/// Every tick reads and writes the text of each model that was used, some hundred numbers each, so it is read and written byte by byte:
/// by way of Swift's Characters it took a quarter of a tick (measured).
struct LatencyHistogram: Equatable {
    /// Ascending by bucket; never holds a zero.
    private(set) var counts: [Count] = []

    struct Count: Equatable {
        let bucket: Int
        var requests: Int64
    }

    init() {}

    /// Reads what `json` writes; white space is allowed, nothing else is.
    ///
    /// - Throws: `StorageError` of kind `corrupt` for a text that somebody else wrote.
    init(json: String) throws {
        var text = json
        try text.withUTF8 { bytes in
            var reader = HistogramReader(bytes)
            while let (bucket, requests) = try reader.next() { add(requests, to: bucket) }
        }
    }

    var json: String {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        bytes.reserveCapacity(counts.count * 12 + 2)
        for count in counts {
            bytes.append(contentsOf: (bytes.count == 1 ? "\"" : ",\"").utf8)
            bytes.append(contentsOf: String(count.bucket).utf8)
            bytes.append(contentsOf: "\":".utf8)
            bytes.append(contentsOf: String(count.requests).utf8)
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Cheap for buckets that come in ascending order, as a stored text has them.
    mutating func add(_ requests: Int64, to bucket: Int) {
        let place = place(of: bucket)
        if place < counts.count, counts[place].bucket == bucket {
            counts[place].requests += requests
            if counts[place].requests == 0 { counts.remove(at: place) }
        } else if requests != 0 {
            counts.insert(Count(bucket: bucket, requests: requests), at: place)
        }
    }

    /// The first place whose bucket is not below the given one.
    private func place(of bucket: Int) -> Int {
        guard let last = counts.last, last.bucket >= bucket else { return counts.count }
        var low = 0
        var high = counts.count - 1
        while low < high {
            let middle = (low + high) / 2
            if counts[middle].bucket < bucket { low = middle + 1 } else { high = middle }
        }
        return low
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
