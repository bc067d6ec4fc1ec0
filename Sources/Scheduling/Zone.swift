package import Foundation

/// A time zone under the name by which it was asked for. Foundation renames some (`UTC` becomes `GMT`), and what is stored beside the totals must
/// stay what the setting says.
package struct Zone: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let timeZone: TimeZone

    /// Nil for a name that tzdata does not have.
    package init?(_ name: String) {
        guard let timeZone = TimeZone(identifier: name) else { return nil }
        self.name = name
        self.timeZone = timeZone
    }

    private init(name: String, timeZone: TimeZone) {
        self.name = name
        self.timeZone = timeZone
    }

    package static let utc = Zone(name: "UTC", timeZone: .gmt)

    package var description: String { name }
}
