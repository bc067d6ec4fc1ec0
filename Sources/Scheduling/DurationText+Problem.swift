extension DurationText {
    /// Why a text is no duration, and what to write in its place.
    ///
    /// Its sentence follows the name and value of whatever held the text: "TALLYD_X=90" + "has no unit; write 90s, 90m,
    /// 90h or 90d".
    package struct Problem: Error, Hashable, CustomStringConvertible {
        /// The cause, without the advice: "has no unit".
        package let reason: String
        /// Texts that parse and may be what was meant; empty when nobody can tell.
        package let instead: [String]
        private let isOnlyAnExample: Bool
        private let bareNumber: Int64?

        init(_ reason: String, instead: [String] = [], isOnlyAnExample: Bool = false) {
            self.reason = reason
            self.instead = instead
            self.isOnlyAnExample = isOnlyAnExample
            bareNumber = nil
        }

        /// Advises the candidate if it parses.
        init(_ reason: String, trying candidate: String?) {
            let isSound = candidate.map { (try? DurationText.parse($0)) != nil } ?? false
            self.init(reason, instead: isSound ? [candidate].compactMap(\.self) : [])
        }

        init(bareNumber number: Int64) {
            reason = "has no unit"
            instead = Problem.readings(of: number, in: [.seconds, .minutes, .hours, .days])
            isOnlyAnExample = false
            bareNumber = number
        }

        package var description: String {
            guard !instead.isEmpty else {
                return reason + "; write a number and one of ms, s, m, h, d and w, such as 5m"
            }
            return reason + "; write " + (isOnlyAnExample ? "a duration such as " : "") + Problem.choice(of: instead)
        }

        /// The sentence for a place where only some durations are allowed: advice that would be refused next is left
        /// out.
        ///
        /// - Parameter range: shortest and longest allowed.
        package func sentence(allowing range: ClosedRange<Duration>) -> String {
            let candidates = bareNumber.map { Problem.readings(of: $0, in: Unit.allCases.reversed()) }
            let allowed = (isOnlyAnExample ? [] : candidates ?? instead).filter { candidate in
                (try? DurationText.parse(candidate)).map(range.contains) ?? false
            }
            guard allowed.isEmpty else { return reason + "; write " + Problem.choice(of: allowed) }
            return reason + "; write a duration from \(format(range.lowerBound)) to \(format(range.upperBound))"
        }

        private static func readings(of number: Int64, in units: [Unit]) -> [String] {
            units.map { "\(number)\($0.rawValue)" }.filter { (try? DurationText.parse($0)) != nil }
        }

        /// "a, b or c".
        private static func choice(of texts: [String]) -> String {
            guard let last = texts.last, texts.count > 1 else { return texts.first ?? "" }
            return texts.dropLast().joined(separator: ", ") + " or " + last
        }
    }
}
