import Synchronization
import Webhooks

/// Filters by their text: parsing one takes longer than asking it.
final class FilterCache: Sendable {
    private let filters = Mutex<[String: Result<EventFilter, Defect>]>([:])
    /// Forgotten all at once above it.
    private static let most = 10_000

    func filter(_ text: String) -> Result<EventFilter, Defect> {
        filters.withLock { filters in
            if let known = filters[text] { return known }
            let filter = Result { () throws(Defect) in try EventFilter(json: text) }
            if filters.count >= Self.most { filters = [:] }
            filters[text] = filter
            return filter
        }
    }
}
