import Foundation

/// How a period's requests spread over its hours: busy afternoons, quiet nights, weekends at less than half,
/// and no two days alike.
struct Rhythm {
    /// The period's first moment.
    let start: WallTime
    /// How many requests fall into each hour of the period. They add up to the requests asked for.
    let requestsPerHour: [Int]

    private static let hour: Int64 = 3_600_000

    /// `days` whole days that end at `end`, with `requests` in all.
    init(days: Int, until end: WallTime, requests: Int, seed: UInt64) {
        let hours = days * 24
        let start = WallTime(milliseconds: end.milliseconds - Int64(hours) * Self.hour)
        var random = SplitMix64(seed: seed)
        let busyness = (0..<days).map { _ in random.logNormal(median: 1, spread: 0.12) }
        let weights = (0..<hours).map { index in
            let middle = WallTime(milliseconds: start.milliseconds + Int64(index) * Self.hour + Self.hour / 2)
            return busyness[index / 24] * Self.weight(middle)
        }
        let sum = weights.reduce(0, +)
        // Rounding the running total, not each hour, makes the hours add up exactly.
        var weightSoFar = 0.0
        var given = 0
        requestsPerHour = weights.enumerated().map { index, weight in
            weightSoFar += weight
            let due = index == hours - 1 ? requests : Int((Double(requests) * weightSoFar / sum).rounded())
            defer { given = due }
            return due - given
        }
        self.start = start
    }

    /// The moment of the n-th of an hour's requests: later than the one before it, at a random place in its share of the hour.
    func moment(hour: Int, request: Int, _ random: inout SplitMix64) -> WallTime {
        let share = Double(Self.hour) / Double(requestsPerHour[hour])
        let offset = (Double(request) + random.unit()) * share
        return WallTime(milliseconds: start.milliseconds + Int64(hour) * Self.hour + Int64(offset))
    }

    private static func weight(_ time: WallTime) -> Double {
        let fields = time.fields
        // Highest at 14:00 UTC, lowest at 02:00.
        let daily = 1 + 0.8 * cos(2 * .pi * (Double(fields.tm_hour) - 14) / 24)
        let isWeekend = fields.tm_wday == 0 || fields.tm_wday == 6
        return isWeekend ? daily * 0.42 : daily
    }
}
