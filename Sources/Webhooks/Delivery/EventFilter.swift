import Foundation

/// Which types of events an endpoint has asked for: `webhooks.events`, a JSON array of exact types, `*` for all, and
/// `usage.*` for all below a group, at any depth. An empty array asks for none.
package struct EventFilter: Hashable, Sendable {
    private var matchesAll = false
    private var types: Set<String> = []
    /// With the full stop at the end.
    private var groups: Set<String> = []

    package static let longest = 65_536
    package static let mostEntries = 1_000

    /// - Throws: `Defect`, for what is no JSON array of texts, too large, or holds an entry of another form.
    package init(json: String) throws(Defect) {
        let remedy = "write a JSON array such as [\"usage.*\"]"
        guard json.utf8.count <= Self.longest else {
            throw Defect("events_too_long", "has \(json.utf8.count) bytes", remedy: "\(Self.longest) are the most")
        }
        guard let value = try? JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed) else {
            throw Defect("events_not_json", "is not JSON", remedy: remedy)
        }
        guard let array = value as? [Any] else { throw Defect("events_not_an_array", "is no array", remedy: remedy) }
        guard array.count <= Self.mostEntries else {
            throw Defect("events_too_many", "has \(array.count) entries", remedy: "\(Self.mostEntries) are the most")
        }
        for (index, element) in array.enumerated() {
            guard let entry = element as? String else {
                throw Defect(
                    "events_entry_not_text", "has an entry (number \(index + 1)) that is no text", remedy: remedy)
            }
            try add(entry, number: index + 1)
        }
    }

    private mutating func add(_ entry: String, number: Int) throws(Defect) {
        if entry == "*" {
            matchesAll = true
            return
        }
        let isGroup = entry.hasSuffix(".*")
        let type: EventType
        do throws(Defect) {
            type = try EventType(isGroup ? String(entry.dropLast(2)) : entry)
        } catch {
            throw Defect(
                "events_entry_malformed", "has an entry (number \(number)) that \(error.reason)",
                remedy: "write an exact type, * or a group such as usage.*")
        }
        if isGroup { groups.insert(type.description + ".") } else { types.insert(type.description) }
    }

    package func matches(_ type: EventType) -> Bool {
        let text = type.description
        if matchesAll || types.contains(text) { return true }
        guard !groups.isEmpty else { return false }
        // As many look-ups as the type has groups, however many the filter has.
        return text.indices.contains { text[$0] == "." && groups.contains(String(text[...$0])) }
    }
}
