import Foundation
import Testing

@testable import Scheduling

/// `SystemdDifference` says what differs on purpose.
@Suite struct `Calendar expressions against systemd` {
    static let isLong = ProcessInfo.processInfo.environment["TALLYD_TEST_LONG"] == "1"
    static let count = isLong ? 6_000 : 200
    static let seed: UInt64 = 20_261_124

    private func slots(_ expression: CalendarExpression, after base: Int64, count: Int) -> [Int64] {
        var slots: [Int64] = []
        var now = Instant(milliseconds: base * 1_000)
        while slots.count < count, let slot = expression.next(after: now) {
            #expect(slot.instant > now)
            #expect(expression.latest(at: slot.instant) == slot, "\(expression) \(slot.instant)")
            #expect(
                expression.latest(at: Instant(milliseconds: slot.instant.milliseconds - 1)).map { $0.instant <= now }
                    ?? true
            )
            slots.append(slot.instant.milliseconds.flooredDivision(by: 1_000).quotient)
            now = slot.instant
        }
        return slots
    }

    @Test(arguments: SystemdAnalyze.zones)
    func `generated expressions have systemd's normal form and, but for the rules, its slots`(name: String) throws {
        let zone = try #require(Zone(name))
        var generator = GeneratedExpression(seed: Self.seed &+ name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        let rounds = max(1, Self.count / SystemdAnalyze.zones.count / 20 + 1)
        var tally = Tally()
        for _ in 0..<rounds {
            let base = generator.base(in: zone)
            try compare((0..<10).map { _ in generator.next() }, base: base, zone: zone, &tally)
            if let eve = generator.eve(in: zone) {
                try compare((0..<10).map { _ in generator.nightly() }, base: eve, zone: zone, &tally)
            }
        }
        print("\(name), seed \(Self.seed): \(tally)")
        #expect(tally.compared > rounds * 5)
    }

    struct Tally: CustomStringConvertible {
        var compared = 0
        var slots = 0
        var mapped = 0
        var refused = 0
        var reasons: [SystemdDifference.Reason: Int] = [:]

        var description: String {
            let causes = reasons.map { "\($0.value) \($0.key.rawValue)" }.sorted().joined(separator: ", ")
            return
                "\(compared) expressions, \(slots) slots, \(mapped) of them mapped from wall times, \(refused) refused by "
                + "both; on purpose: \(causes.isEmpty ? "none" : causes)"
        }
    }

    private func compare(_ texts: [String], base: Int64, zone: Zone, _ tally: inout Tally) throws {
        let count = 12
        let answers = try SystemdAnalyze.calendar(texts.map { "\($0) \(zone.name)" }, iterations: count, base: base)
        for (text, reply) in zip(texts, answers) {
            let context: Comment =
                "\(text) \(zone.name) after \(Instant(milliseconds: base * 1_000)), seed \(Self.seed)"
            let expression: CalendarExpression
            do {
                expression = try CalendarExpression(parsing: "\(text) \(zone.name)", zone: .utc)
            } catch {
                #expect(reply == .refused, context)
                tally.refused += 1
                continue
            }
            #expect(try CalendarExpression(parsing: text, zone: zone).zone == zone)
            #expect(try CalendarExpression(parsing: expression.description, zone: .utc) == expression, context)
            let ours = slots(expression, after: base, count: count)
            tally.compared += 1
            tally.slots += ours.count
            switch reply {
            case .answer(let answer):
                #expect(expression.description == answer.normal, context)
                try compare(ours, answer, text, base: base, zone: zone, context, &tally)
            case .undetermined: tally.reasons[.givenUp, default: 0] += 1
            case .refused:
                #expect(SystemdDifference.isRefusedForItsDays(expression.description), context)
                tally.reasons[.days, default: 0] += 1
                continue
            }
            try compareMapped(ours, text, expression.description, base: base, zone: zone, context, &tally)
        }
    }

    /// Every difference from systemd's slots lies where a rule says.
    private func compare(
        _ ours: [Int64], _ answer: SystemdAnalyze.Answer, _ text: String, base: Int64, zone: Zone, _ context: Comment,
        _ tally: inout Tally
    ) throws {
        let clock = WallClock(zone: zone)
        let isOursEnded = ours.count < 12
        var horizon = min(isOursEnded ? .max : ours.last ?? .max, answer.ends ? .max : answer.elapses.last ?? .max)
        // At some gaps it says "never", though there are wall times without end.
        let known = answer.elapses.last ?? base
        if answer.ends, let next = ours.first(where: { $0 > known }),
            clock.changes(from: known, through: next).contains(where: { $0.after > $0.before })
        {
            tally.reasons[.givenUp, default: 0] += 1
            horizon = min(horizon, known)
        }
        let mine = ours.filter { $0 <= horizon }
        let theirs = answer.elapses.filter { $0 <= horizon }
        guard mine != theirs else { return }
        let difference = SystemdDifference(
            text: text, normal: answer.normal, zone: zone, base: base, ours: mine, theirs: answer.elapses)
        for instant in Set(mine).subtracting(theirs) {
            let reason = try difference.reason(forOurs: instant)
            #expect(reason != nil, "\(Instant(milliseconds: instant * 1_000)) is not systemd's: \(context)")
            if let reason { tally.reasons[reason, default: 0] += 1 }
        }
        for instant in Set(theirs).subtracting(mine) {
            let reason = difference.reason(forTheirs: instant)
            #expect(reason != nil, "\(Instant(milliseconds: instant * 1_000)) is systemd's alone: \(context)")
            if let reason { tally.reasons[reason, default: 0] += 1 }
        }
    }

    /// The exact claim: systemd's wall times, asked for in UTC where no clock is changed, and brought to instants by the
    /// rules, are our slots.
    private func compareMapped(
        _ ours: [Int64], _ text: String, _ normal: String, base: Int64, zone: Zone, _ context: Comment,
        _ tally: inout Tally
    ) throws {
        let clock = WallClock(zone: zone)
        let near = clock.changes(from: base - 90_000, through: base + 90_000)
        let start = near.reduce(base + clock.offset(base)) { min($0, $1.seconds + min($1.before, $1.after)) } - 1
        let iterations = near.isEmpty ? 16 : 300
        guard let walls = try SystemdAnalyze.calendar(["\(text) UTC"], iterations: iterations, base: start)[0].answer
        else {
            Issue.record("refused in UTC: \(context)")
            return
        }
        let (isEveryHour, isRhythm) = SystemdDifference.kind(normal)
        var expected: Set<Int64> = []
        for wall in walls.elapses {
            let changes = clock.changes(from: wall - 144_000, through: wall + 144_000)
            if let gap = changes.first(where: { $0.skips(wall) }) {
                if !isEveryHour || gap.after - gap.before >= 86_400 { expected.insert(gap.seconds) }
            } else if let fold = changes.first(where: { $0.repeats(wall) }) {
                expected.insert(wall - fold.before)
                if isRhythm { expected.insert(wall - fold.after) }
            } else {
                let change = changes.last { wall >= $0.seconds + max($0.before, $0.after) }
                let offset = change?.after ?? changes.first?.before ?? clock.offset(wall)
                expected.insert(wall - offset)
            }
        }
        // Past the last wall time that was asked for, nothing is known; a day before it, all is.
        let known =
            walls.ends ? Int64.max : (walls.elapses.last ?? start) - clock.offset(walls.elapses.last ?? start) - 7_300
        let end = min(known, ours.count < 12 ? .max : ours.last ?? .max)
        let slots = Set(ours.filter { $0 <= end })
        let mapped = expected.filter { $0 > base && $0 <= end }
        #expect(mapped.isSubset(of: slots), context)
        for instant in slots.subtracting(mapped) {
            let wall = instant + clock.offset(instant)
            let before = walls.elapses.last { $0 < wall } ?? start
            #expect(
                try SystemdDifference.isLost(wall, after: before, text, normal),
                "\(Instant(milliseconds: instant * 1_000)) comes from no wall time of systemd's: \(context)")
        }
        tally.mapped += slots.count
    }

    @Test func `what systemd refuses is refused, and what it takes is taken, whatever slips of the pen there are`()
        throws
    {
        var generator = GeneratedExpression(seed: Self.seed)
        var refused = 0
        var taken = 0
        for _ in 0..<(Self.count / 20) {
            let texts = (0..<40).map { _ in
                let sound = generator.next()
                return generator.mutated(sound)
            }
            for (text, reply) in zip(texts, try SystemdAnalyze.calendar(texts, iterations: 1, base: 1_795_000_000)) {
                let ours = try? CalendarExpression(parsing: text, zone: .utc)
                let answer = reply.answer
                if answer == nil { refused += 1 } else { taken += 1 }
                let isLooseUnixTime = text.firstMatch(of: /@[ +]/) != nil
                if isLooseUnixTime, ours == nil { continue }
                if let ours, reply == .refused, SystemdDifference.isRefusedForItsDays(ours.description) { continue }
                #expect(ours?.description == answer?.normal, "\"\(text)\", seed \(Self.seed)")
            }
        }
        print("mutations, seed \(Self.seed): \(taken) taken by both, \(refused) refused by both")
        #expect(refused > Self.count / 4 && taken > Self.count / 10)
    }
}
