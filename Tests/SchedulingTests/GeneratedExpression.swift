@testable import Scheduling

/// Random expressions without a zone, most of them sound, in every form that the grammar has.
struct GeneratedExpression {
    private var random: Seeded

    init(seed: UInt64) {
        random = Seeded(seed: seed)
    }

    mutating func next() -> String {
        if chance(12) {
            return CalendarShorthand.expansions.keys.sorted().randomElement(using: &random) ?? "daily"
        }
        var text = chance(3) ? weekdays() : ""
        let date = chance(2) ? self.date() : ""
        let time = date.isEmpty && text.isEmpty || chance(2) ? self.time() : ""
        for part in [date, time] where !part.isEmpty { text += (text.isEmpty ? "" : " ") + part }
        return text
    }

    /// For the hours in which clocks are changed.
    mutating func nightly() -> String {
        let hour = chance(3) ? "*" : list(0...4, longestStep: 3)
        let minute = chance(4) ? "*" : list(0...59, longestStep: 30)
        let second = chance(5) ? ":" + list(0...59, longestStep: 30) : ""
        return (chance(6) ? "Sun " : "") + "\(hour):\(minute)\(second)"
    }

    /// The expression with a slip of the pen or two in it.
    mutating func mutated(_ text: String) -> String {
        var letters = Array(text)
        for _ in 0...int(0...1) {
            let alphabet = Array("0123456789*,.-~/: MonTueSatFri@")
            let place = letters.isEmpty ? 0 : int(0...(letters.count - 1))
            switch int(0...4) {
            case 0 where !letters.isEmpty: letters.remove(at: place)
            case 1 where !letters.isEmpty: letters[place] = alphabet[int(0...(alphabet.count - 1))]
            case 2 where letters.count > 1: letters.swapAt(place, int(0...(letters.count - 1)))
            case 3 where !letters.isEmpty: letters.insert(letters[place], at: place)
            default: letters.insert(alphabet[int(0...(alphabet.count - 1))], at: place)
            }
        }
        return String(letters)
    }

    private mutating func weekdays() -> String {
        (0...int(0...2)).map { _ in
            let first = int(0...6)
            guard chance(2) else { return name(first) }
            return name(first) + (chance(4) ? "-" : "..") + name(int(first...6))
        }.joined(separator: ",")
    }

    private mutating func name(_ day: Int) -> String {
        let name = chance(3) ? CalendarExpression.longWeekdayNames[day] : CalendarExpression.weekdayNames[day]
        return chance(4) ? name.lowercased() : name
    }

    private mutating func date() -> String {
        let year = chance(2) ? "" : (chance(2) ? "*" : list(2000...2060, longestStep: 9)) + "-"
        let month = chance(2) ? "*" : list(1...12, longestStep: 5)
        let day =
            chance(4)
            ? "~" + list(1...28, longestStep: 7, towards: 1) : "-" + (chance(4) ? "*" : list(1...31, longestStep: 10))
        return year + month + day
    }

    private mutating func time() -> String {
        let hour = chance(3) ? "*" : list(0...23, longestStep: 8)
        let minute = chance(4) ? "*" : list(0...59, longestStep: 30)
        guard chance(3) else { return "\(hour):\(minute)" }
        return "\(hour):\(minute):\(chance(6) ? "*" : seconds())"
    }

    private mutating func seconds() -> String {
        guard chance(3) else { return list(0...59, longestStep: 30) }
        let start = int(0...30)
        let fraction = int(1...999)
        let step = chance(2) ? "/\(int(0...20)).\(int(1...999))" : ""
        return "\(start).\(String(fraction + 1_000).dropFirst())\(step)"
    }

    /// - Parameter goal: where repetitions run to; the range's end unless given.
    private mutating func list(_ range: ClosedRange<Int>, longestStep: Int, towards goal: Int? = nil) -> String {
        (0...(chance(3) ? int(0...3) : 0)).map { _ in
            let start = int(range)
            let text = chance(2) ? "\(start)" : start < 10 ? "0\(start)" : "\(start)"
            switch int(0...5) {
            case 0: return "\(text)..\(int(start...range.upperBound))"
            case 1: return "\(text)..\(int(start...range.upperBound))/\(int(1...longestStep))"
            case 2, 3:
                let room = goal == nil ? range.upperBound - start : start - 1
                return room > 0 ? "\(text)/\(int(1...min(room, longestStep)))" : text
            default: return text
            }
        }.joined(separator: ",")
    }

    private mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func chance(_ of: Int) -> Bool { int(1...of) == 1 }

    /// A base from a day before a change of the zone's clocks to two hours after it, most often in the last hours; nil for
    /// a zone without changes.
    mutating func eve(in zone: Zone) -> Int64? {
        let year = Int64.random(in: 150_000_000...2_100_000_000, using: &random)
        let reach: Int64 = chance(4) ? -90_000 : -9_000
        let changes = WallClock(zone: zone).changes(after: year, count: 1)
        return changes.first.map { $0.seconds + Int64.random(in: reach...7_200, using: &random) }
    }

    /// A base for the search, in seconds: anywhere in a century, or near a change of the zone's clocks.
    mutating func base(in zone: Zone) -> Int64 {
        let anywhere = Int64.random(in: 150_000_000...3_500_000_000, using: &random)
        guard chance(2) else { return anywhere }
        let changes = WallClock(zone: zone).changes(after: min(anywhere, 2_100_000_000), count: 1)
        return changes.first.map { $0.seconds + Int64.random(in: -100_000...30_000, using: &random) } ?? anywhere
    }
}
