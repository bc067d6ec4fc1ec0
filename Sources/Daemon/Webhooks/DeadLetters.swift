/// Counts what was given up, for a line of the log now and then: an outage makes dead letters by the thousand.
struct DeadLetters {
    private var counts: [String: Int] = [:]
    private var nextAt = Duration.zero

    /// Between two lines.
    static let spacing = Duration.seconds(60)

    mutating func add(_ reason: String, _ count: Int = 1) {
        counts[reason, default: 0] += count
    }

    /// What was given up since the last line, if it is time for one: how many, and for which reasons, the most frequent first.
    ///
    /// - Parameter isLast: it is time in any case.
    mutating func take(at now: Duration, isLast: Bool = false) -> (count: Int, reasons: String)? {
        guard !counts.isEmpty, isLast || now >= nextAt else { return nil }
        defer { counts = [:] }
        nextAt = now + Self.spacing
        let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return (counts.values.reduce(0, +), sorted.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    }
}
