import ArgumentParser
import Scheduling

/// A point in time on the command line: as a time, or as how long ago it was.
enum Moment: Hashable {
    case at(Instant)
    case ago(Duration)

    func instant(now: Instant) -> Instant {
        switch self {
        case .at(let instant): instant
        case .ago(let duration): now.advanced(by: .zero - duration)
        }
    }

    /// - Throws: `ValidationError` that says what to write instead.
    @Sendable static func parse(_ text: String) throws -> Moment {
        if let instant = Instant(iso8601: text) { return .at(instant) }
        do throws(DurationText.Problem) {
            return .ago(try DurationText.parse(text))
        } catch {
            throw ValidationError("it is neither a time such as 2026-11-23T22:31:07Z nor a duration such as 1h.")
        }
    }
}
