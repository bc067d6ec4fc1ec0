package import Logging

/// Decides which lines of a flood are written: a token bucket for each kind of line. A value that is told the time.
///
/// A kind may write `burst` lines at once and one more for each `refill` of time. Lines beyond that are held, and counted:
/// every line that was given is passed, in a report of held ones, or waiting for such a report.
package struct FloodGate {
    /// What makes lines alike.
    package struct Kind: Hashable, Sendable {
        package let level: Logger.Level
        /// Constant for a kind of event; its data stands in metadata.
        package let message: String
        /// Whose it is, such as a job's name; empty for nobody's.
        package let subject: String

        package init(level: Logger.Level, message: String, subject: String) {
            self.level = level
            self.message = message
            self.subject = subject
        }
    }

    /// How many lines of a kind were held since its last report.
    package struct Report: Hashable, Sendable {
        package let kind: Kind
        package let count: Int
    }

    private struct Bucket {
        /// When it is full again: GCRA's theoretical arrival time, one number in place of a count and a time.
        var full: Duration
        var held = 0
        /// When the held lines are reported.
        var reportAt = Duration.zero
    }

    private let burst: Int
    private let refill: Duration
    private let window: Duration
    private let kindLimit: Int
    private var buckets: [Kind: Bucket] = [:]

    /// - Parameters:
    ///   - burst: at least 1.
    ///   - refill: above zero.
    ///   - window: for how long lines are held before a report says how many.
    ///   - kindLimit: the most kinds that are remembered, at least 1. A message that is not constant would make one a line.
    package init(
        burst: Int = 5, refill: Duration = .seconds(12), window: Duration = .seconds(60), kindLimit: Int = 256
    ) {
        self.burst = burst
        self.refill = refill
        self.window = window
        self.kindLimit = kindLimit
    }

    /// A line has come.
    ///
    /// - Parameter now: a monotonic time; one that goes back counts as standing still.
    /// - Returns: whether it is written, and reports that are due because their kind had to be forgotten.
    package mutating func admit(_ kind: Kind, at now: Duration) -> (passes: Bool, forgotten: [Report]) {
        var forgotten: [Report] = []
        if buckets[kind] == nil, buckets.count >= kindLimit { forgotten = makeRoom(at: now) }
        var bucket = buckets[kind] ?? Bucket(full: now)
        let full = max(bucket.full, now) + refill
        let passes = full - now <= refill * burst
        if passes {
            bucket.full = full
        } else {
            if bucket.held == 0 { bucket.reportAt = now + window }
            bucket.held += 1
        }
        buckets[kind] = bucket
        return (passes, forgotten)
    }

    /// When the next report is due; nil while nothing is held.
    package var nextReport: Duration? {
        buckets.values.lazy.filter { $0.held > 0 }.map(\.reportAt).min()
    }

    /// The reports that are due, each given once. With nil all there are, for the end of the process.
    package mutating func reports(at now: Duration?) -> [Report] {
        var reports: [Report] = []
        for (kind, bucket) in buckets where bucket.held > 0 && (now.map { bucket.reportAt <= $0 } ?? true) {
            reports.append(Report(kind: kind, count: bucket.held))
            buckets[kind]?.held = 0
        }
        return reports
    }

    /// Forgets every kind with a full bucket and nothing held, as it is like one that never came; else the one that is the
    /// nearest to it.
    private mutating func makeRoom(at now: Duration) -> [Report] {
        buckets = buckets.filter { $0.value.held > 0 || $0.value.full > now }
        guard buckets.count >= kindLimit,
            let oldest = buckets.min(by: {
                ($0.value.held > 0 ? 1 : 0, $0.value.full) < ($1.value.held > 0 ? 1 : 0, $1.value.full)
            })
        else { return [] }
        buckets[oldest.key] = nil
        return oldest.value.held > 0 ? [Report(kind: oldest.key, count: oldest.value.held)] : []
    }
}
