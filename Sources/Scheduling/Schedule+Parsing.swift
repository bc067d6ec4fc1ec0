extension Schedule {
    /// Why a text is no schedule.
    package enum Problem: Error, Hashable, CustomStringConvertible {
        case duration(DurationText.Problem)
        case calendar(CalendarExpression.Problem)

        /// A duration's complaint follows the text ("has no unit; write 5m"); a calendar expression's shows it.
        package var description: String {
            switch self {
            case .duration(let problem): problem.description
            case .calendar(let problem): problem.description
            }
        }
    }

    /// Reads an interval (`30s`, `1h30m`) or a calendar expression (`daily`, `Mon..Fri *-*-* 02:30`).
    ///
    /// The two never overlap: a duration is digits and letters that begin with a digit, and no calendar expression is.
    ///
    /// - Parameter zone: the zone of a calendar expression that names none.
    package init(parsing text: String, zone: Zone) throws(Problem) {
        let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
        let isDuration =
            unsigned.first?.isDigit == true && unsigned.allSatisfy { $0.isDigit || $0.isLetter || $0 == "." }
        do throws(DurationText.Problem) {
            self = .every(try DurationText.parse(text))
            return
        } catch {
            if isDuration { throw .duration(error) }
        }
        do throws(CalendarExpression.Problem) {
            self = .calendar(try CalendarExpression(parsing: text, zone: zone))
        } catch {
            throw .calendar(error)
        }
    }
}
