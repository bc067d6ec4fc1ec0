import Scheduling

/// How long a delivery waits after each attempt that failed, until it becomes a dead letter.
package struct RetrySchedule: Hashable, Sendable, CustomStringConvertible {
    /// The first follows the first attempt; one attempt more is made than there are delays.
    package let delays: [Duration]

    /// Standard Webhooks 1.0.0, "Deliverability and reliability": ten attempts over three days and a little more.
    package static let standard = RetrySchedule(unchecked: [
        .seconds(5), .seconds(300), .seconds(1_800), .seconds(7_200), .seconds(18_000), .seconds(36_000),
        .seconds(50_400), .seconds(72_000), .seconds(86_400),
    ])

    package static let mostDelays = 50
    package static let allowed: ClosedRange<Duration> = .milliseconds(100)...(.seconds(30 * 86_400))

    private init(unchecked delays: [Duration]) {
        self.delays = delays
    }

    /// Reads durations with spaces between, as `description` writes them; `off` for no retry at all.
    ///
    /// - Throws: `Defect`, for an empty text, one with a comma, more than 50 durations, and one that is none or outside of 100ms to 30d.
    package init(_ text: String) throws(Defect) {
        guard text != "off" else {
            delays = []
            return
        }
        guard !text.contains(",") else {
            throw Defect("retries_have_comma", "has a comma in it", remedy: "write spaces between the durations")
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard !words.isEmpty else {
            throw Defect("retries_empty", "is empty", remedy: "write \(Self.standard), or off for none")
        }
        guard words.count <= Self.mostDelays else {
            throw Defect("retries_too_many", "has \(words.count) delays", remedy: "\(Self.mostDelays) are the most")
        }
        var delays: [Duration] = []
        for word in words { delays.append(try Self.delay(String(word))) }
        self.delays = delays
    }

    private static func delay(_ word: String) throws(Defect) -> Duration {
        let range = "from \(DurationText.format(allowed.lowerBound)) to \(DurationText.format(allowed.upperBound))"
        let subject = "has a delay \"\(word.prefix(20))\""
        let delay: Duration
        do throws(DurationText.Problem) {
            delay = try DurationText.parse(word)
        } catch {
            throw Defect("retries_malformed", "\(subject) that \(error.reason)", remedy: "write durations \(range)")
        }
        guard allowed.contains(delay) else {
            throw Defect("retries_out_of_range", "\(subject) out of range", remedy: "delays go \(range)")
        }
        return delay
    }

    /// The wait before the next attempt; nil after the last one.
    ///
    /// - Parameters:
    ///   - attempts: made so far, 1 or more.
    ///   - jitter: 0 to 1, from the caller's source of randomness; moves the wait by up to a quarter either way, so that
    ///     what failed together does not come back together.
    ///   - retryAfter: what the receiver asked for; it lengthens the wait and never shortens it.
    package func delay(afterAttempts attempts: Int, jitter: Double, retryAfter: Duration? = nil) -> Duration? {
        guard attempts >= 1, attempts <= delays.count else { return nil }
        let share = jitter.isNaN ? 0.5 : min(max(jitter, 0), 1)
        return max(delays[attempts - 1] * (0.75 + 0.5 * share), retryAfter ?? .zero)
    }

    /// Longer than any wait that `delay` gives.
    package var longestWait: Duration { max((delays.max() ?? .zero) * 1.25, RetryAfter.longest) }

    package var description: String {
        delays.isEmpty ? "off" : delays.map { DurationText.format($0) }.joined(separator: " ")
    }
}
