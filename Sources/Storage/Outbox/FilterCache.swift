import Synchronization
import Webhooks

/// Filters by their text: parsing one takes longer than asking it.
final class FilterCache: Sendable {
    private let filters = Mutex<[String: Result<EventFilter, Defect>]>([:])
    /// Forgotten all at once above it.
    private static let most = 4_000
    /// Longer ones are parsed each time: with them all it holds 8 MiB of texts at most.
    private static let longest = 2_048

    func filter(_ text: String) -> Result<EventFilter, Defect> {
        filters.withLock { filters in
            if let known = filters[text] { return known }
            let filter = Result { () throws(Defect) in try EventFilter(json: text) }
            guard text.utf8.count <= Self.longest else { return filter }
            if filters.count >= Self.most { filters = [:] }
            filters[text] = filter
            return filter
        }
    }
}
