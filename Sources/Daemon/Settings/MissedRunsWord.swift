package import Scheduling

/// What a setting says about slots that passed while nobody could run them.
package enum MissedRunsWord: String, CaseIterable, Sendable {
    /// One run for all of them.
    case latest
    /// None once several have passed.
    case none
    /// A run for each, within bounds.
    case all

    /// The most slots that `all` makes up for, and how old they may be: whatever is older or more is left out, so that a database that comes
    /// back after weeks is not gone through slot by slot. At the default interval of the rollup a thousand slots are four hours.
    package static let mostSlots = 1_000
    package static let window = Duration.seconds(86_400)

    package var policy: MissedRuns {
        switch self {
        case .latest: .latest
        case .none: .none
        case .all: .all(cap: Self.mostSlots, window: Self.window)
        }
    }
}
