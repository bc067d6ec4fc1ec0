import Foundation

/// What a writer saw. Times are milliseconds; they are missing when nothing was inserted.
struct WriteReport: Encodable {
    /// Rows inserted.
    var count = 0
    /// Statements of any kind that gave SQLITE_BUSY. They wrote nothing and were not tried again.
    var busy = 0
    var updates = 0
    var deletes = 0
    /// How long the writer ran.
    var seconds = 0.0
    /// How long an INSERT took, a busy one included.
    var statement = LatencyHistogram()
    /// How long after its due time an INSERT was done: what a client of the gateway would feel, waiting in line included.
    var fromDue = LatencyHistogram()

    private enum CodingKeys: String, CodingKey {
        case count, busy, updates, deletes, seconds
        case p50 = "p50_ms"
        case p99 = "p99_ms"
        case p999 = "p999_ms"
        case max = "max_ms"
        case over50 = "over_50ms"
        case dueP50 = "due_p50_ms"
        case dueP99 = "due_p99_ms"
        case dueP999 = "due_p999_ms"
        case dueMax = "due_max_ms"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(busy, forKey: .busy)
        try container.encode(updates, forKey: .updates)
        try container.encode(deletes, forKey: .deletes)
        try container.encode(seconds, forKey: .seconds)
        try container.encodeIfPresent(statement.percentile(0.5), forKey: .p50)
        try container.encodeIfPresent(statement.percentile(0.99), forKey: .p99)
        try container.encodeIfPresent(statement.percentile(0.999), forKey: .p999)
        try container.encodeIfPresent(statement.maximum, forKey: .max)
        try container.encode(statement.above50Milliseconds, forKey: .over50)
        try container.encodeIfPresent(fromDue.percentile(0.5), forKey: .dueP50)
        try container.encodeIfPresent(fromDue.percentile(0.99), forKey: .dueP99)
        try container.encodeIfPresent(fromDue.percentile(0.999), forKey: .dueP999)
        try container.encodeIfPresent(fromDue.maximum, forKey: .dueMax)
    }

    var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try encoder.encode(self) + Data("\n".utf8)
        }
    }

    /// A few lines for people.
    var text: String {
        func line(_ name: String, _ latencies: LatencyHistogram) -> String {
            let figures = [
                latencies.percentile(0.5), latencies.percentile(0.99), latencies.percentile(0.999), latencies.maximum,
            ].map { $0.map { String(format: "%10.3f", $0) } ?? "         –" }
            return name + figures.joined()
        }
        let head = String(
            format: "%d inserted, %d corrected, %d removed in %.1f s; %d busy; %d inserts above 50 ms",
            count, updates, deletes, seconds, busy, statement.above50Milliseconds
        )
        return """
            \(head)
            ms                 p50       p99     p99.9       max
            \(line("statement ", statement))
            \(line("from due  ", fromDue))
            """
    }
}
