/// What a reload changes, decided from the settings that hold and those that were read.
package struct ReloadPlan: Hashable, Sendable {
    package struct Change: Hashable, Sendable, CustomStringConvertible {
        package let name: String
        /// Canonical texts, as in the listing: "(set)" for a secret.
        package let old: String
        package let new: String

        package var description: String { "\(name): \(old) → \(new)" }
    }

    /// Hold as soon as the plan is carried out.
    package let applied: [Change]
    /// Hold from the next start on.
    package let waiting: [Change]

    /// - Parameters:
    ///   - old: the listing of what holds.
    ///   - new: the listing of what was read, with the same names.
    ///   - live: the names of the settings that a running daemon can change.
    package init(from old: Settings.Listing, to new: Settings.Listing, live: Set<String>) {
        let before = Dictionary(old.entries.map { ($0.name, $0.value) }) { first, _ in first }
        let changes = new.entries.compactMap { entry in
            before[entry.name].flatMap { value in
                value == entry.value ? nil : Change(name: entry.name, old: value, new: entry.value)
            }
        }
        applied = changes.filter { live.contains($0.name) }
        waiting = changes.filter { !live.contains($0.name) }
    }

    /// For people, one line each.
    package var lines: [String] {
        if applied.isEmpty, waiting.isEmpty { return ["nothing has changed"] }
        return applied.map { "applied \($0)" } + waiting.map { "takes effect at the next restart: \($0)" }
    }

    /// The same as a part of one sentence, for systemd's status.
    package var summary: String {
        if applied.isEmpty, waiting.isEmpty { return "reloaded: nothing has changed" }
        var parts: [String] = []
        if !applied.isEmpty { parts.append("applied " + applied.map(\.name).joined(separator: ", ")) }
        if !waiting.isEmpty { parts.append("restart for " + waiting.map(\.name).joined(separator: ", ")) }
        return "reloaded: " + parts.joined(separator: "; ")
    }
}
