@testable import Scheduling

/// What differs from systemd-analyze 252 on purpose, recognised by these rules and by nothing else:
///
/// | where | systemd | here |
/// |---|---|---|
/// | wall time in a gap | left out | due at the gap's end, once; left out by an expression of every hour, if the gap is shorter than a day |
/// | rhythm in a fold | first pass only | both passes |
/// | other times in a fold | the second pass too, if asked from within it; at some folds, the second alone | first pass only |
/// | one-word zones, local abbreviations | taken | refused |
/// | the hour after some gaps | lost, unless asked a second before | kept |
/// | a next time past some gaps | "never", or "Resource deadlock avoided" | found |
/// | `@` before a space or a plus | taken | refused |
/// | lists of days from the month's end | the limit of 28 falls by three for each value after the first | 28 for each |
/// | `a/n` past its component's end | slots before `a+kn`, carried over, may be lost, unless asked a second before | none lost |
/// | microseconds | kept | a slot's are dropped |
struct SystemdDifference {
    /// Without its zone.
    let text: String
    let normal: String
    let zone: Zone
    let base: Int64
    let ours: [Int64]
    let theirs: [Int64]

    enum Reason: String {
        case moved = "moved out of a gap"
        case repeated = "repeated by a rhythm"
        case onlyFirst = "run at the first of two times only"
        case lost = "that systemd lost"
        case givenUp = "searches that systemd gave up"
        case days = "expressions refused for a list of days from the end"
    }

    /// Why a slot of ours is none of systemd's; nil when no rule says so.
    func reason(forOurs instant: Int64) throws -> Reason? {
        let clock = WallClock(zone: zone)
        let past = clock.changes(from: instant - 90_000, through: instant)
        if past.contains(where: { $0.seconds == instant && $0.after > $0.before }) { return .moved }
        if Self.kind(normal).isRhythm, past.contains(where: { $0.isSecondPass(instant) }) { return .repeated }
        let isFirst = clock.changes(from: instant, through: instant + 90_000).contains {
            let twin = instant + $0.before - $0.after
            return $0.isSecondPass(twin) && theirs.contains(twin)
        }
        if isFirst { return .onlyFirst }
        if try isLostAfterGap(instant, past) { return .lost }
        let before = theirs.last { $0 < instant } ?? base
        let wall = instant + clock.offset(instant)
        return try Self.isLost(wall, after: before + clock.offset(before), text, normal) ? .lost : nil
    }

    /// Why a slot of systemd's is none of ours; nil when no rule says so.
    func reason(forTheirs instant: Int64) -> Reason? {
        let isSecond = WallClock(zone: zone).changes(from: instant - 90_000, through: instant).contains {
            $0.isSecondPass(instant)
                && ($0.isSecondPass(base) || ours.contains(instant - $0.before + $0.after))
        }
        return isSecond && !Self.kind(normal).isRhythm ? .onlyFirst : nil
    }

    /// In a list of days from the month's end, systemd lowers its limit of 28 by three for each value after the first.
    static func isRefusedForItsDays(_ normal: String) -> Bool {
        guard let days = normal.firstMatch(of: /~(\S+)/)?.1 else { return false }
        return days.split(separator: ",").enumerated().contains { index, part in
            let ends = part.split(separator: "/")[0].split(separator: "..").compactMap { Int($0) }
            return (ends.max() ?? 0) > 28 - 3 * index
        }
    }

    /// Whether systemd lost the wall time: its search carries a repetition without end over the end of its component
    /// (27 + 8 is the 35th of December, so the 4th of January) and then looks no further back. A second before the time
    /// it still knows better.
    static func isLost(_ wall: Int64, after before: Int64, _ text: String, _ normal: String) throws -> Bool {
        let hasReach = repetitions(normal).contains { $0.step > Double(wall - before) && $0.carry(before, wall) }
        guard hasReach else { return false }
        // A fraction of a second lies after the whole second, so both have to be asked for.
        return try [wall - 1, wall].contains { base in
            let reply = try SystemdAnalyze.calendar(["\(text) UTC"], iterations: 1, base: base)[0]
            return reply.answer?.elapses.first == wall
        }
    }

    /// Whether systemd lost the instant behind a gap, as it does in the hour after one that ends just past midnight. A
    /// second before the instant it still knows better.
    private func isLostAfterGap(_ instant: Int64, _ changes: [WallClock.Change]) throws -> Bool {
        let isNear = changes.contains {
            instant > $0.seconds && instant - $0.seconds < $0.after - $0.before
        }
        guard isNear else { return false }
        let reply = try SystemdAnalyze.calendar(["\(text) \(zone.name)"], iterations: 1, base: instant - 1)[0]
        return reply.answer?.elapses.first == instant
    }

    /// The steps in seconds of the repetitions without an end, and whether two wall times lie in different minutes,
    /// hours, days or months, whichever the repetition is carried into.
    private static func repetitions(_ normal: String) -> [(step: Double, carry: (Int64, Int64) -> Bool)] {
        let words = normal.split(separator: " ")
        guard let index = words.lastIndex(where: { $0.contains(":") }), index > 0 else { return [] }
        let components = words[index - 1].split { $0 == "-" || $0 == "~" } + words[index].split(separator: ":")
        let units: [Double] = [0, 31 * 86_400, 86_400, 3_600, 60, 1]
        func month(_ wall: Int64) -> Substring { Instant(milliseconds: wall * 1_000).description.prefix(7) }
        return zip(components, units).enumerated().flatMap { place, pair -> [(Double, (Int64, Int64) -> Bool)] in
            pair.0.split(separator: ",").compactMap { part in
                let halves = part.split(separator: "/")
                guard halves.count == 2, !part.contains(".."), let step = Double(halves[1]) else { return nil }
                return (
                    step * pair.1,
                    { before, wall in
                        switch place {
                        case 5: before / 60 != wall / 60
                        case 4: before / 3_600 != wall / 3_600
                        case 3: before / 86_400 != wall / 86_400
                        default: month(before) != month(wall)
                        }
                    }
                )
            }
        }
    }

    /// Whether the normal form is one of every hour, and whether it is a rhythm: read from systemd's text.
    static func kind(_ normal: String) -> (isEveryHour: Bool, isRhythm: Bool) {
        let time = normal.split(separator: " ").last { $0.contains(":") } ?? ""
        let parts = time.split(separator: ":")
        guard parts.count == 3 else { return (false, false) }
        let isEveryHour = hours(parts[0]).count == 24
        return (isEveryHour, isEveryHour || parts[1...].contains { $0 == "*" || $0.contains("/") })
    }

    private static func hours(_ text: Substring) -> Set<Int> {
        guard text != "*" else { return Set(0..<24) }
        return text.split(separator: ",").reduce(into: []) { hours, part in
            let halves = part.split(separator: "/")
            let ends = halves[0].split(separator: "..").compactMap { Int($0) }
            let step = halves.count > 1 ? Int(halves[1]) ?? 1 : 1
            let last = ends.count > 1 ? ends[1] : halves.count > 1 ? 23 : ends[0]
            hours.formUnion(stride(from: ends[0], through: last, by: step))
        }
    }
}
