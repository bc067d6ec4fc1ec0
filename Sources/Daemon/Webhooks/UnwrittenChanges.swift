import Storage

/// States of endpoints that wait to be written, in two queues as `Unwritten` has them.
///
/// Which url and secret belong together is written at once, since a secret that is changed a moment later is held against it. How an endpoint is doing can
/// wait. An endpoint's latest state stands in one of the two, so that an older one never comes after it.
struct UnwrittenChanges {
    private struct Queue {
        /// Each is told, in its order.
        var notices: [EndpointChange] = []
        var latest: [String: EndpointChange] = [:]

        var all: [EndpointChange] { notices + latest.values.sorted { $0.endpoint < $1.endpoint } }
        var isEmpty: Bool { notices.isEmpty && latest.isEmpty }
    }

    private var prompt = Queue()
    private var leisurely = Queue()
    private var isHurried = false

    func all(atLeisure: Bool) -> [EndpointChange] { atLeisure ? leisurely.all : prompt.all }
    func isEmpty(atLeisure: Bool) -> Bool { atLeisure ? leisurely.isEmpty : prompt.isEmpty }
    func has(_ endpoint: String) -> Bool { prompt.latest[endpoint] != nil || leisurely.latest[endpoint] != nil }

    mutating func note(_ change: EndpointChange, isPrompt: Bool) {
        let isPrompt = isPrompt || isHurried || prompt.latest[change.endpoint] != nil
        if change.notice != nil {
            if isPrompt { prompt.notices.append(change) } else { leisurely.notices.append(change) }
        } else if isPrompt {
            leisurely.latest[change.endpoint] = nil
            prompt.latest[change.endpoint] = change
        } else {
            leisurely.latest[change.endpoint] = change
        }
    }

    /// It has been written.
    mutating func removeNotice(atLeisure: Bool) {
        if atLeisure { leisurely.notices.removeFirst() } else { prompt.notices.removeFirst() }
    }

    /// It has been written; another one may have come meanwhile, which stays.
    mutating func remove(_ change: EndpointChange) {
        if prompt.latest[change.endpoint]?.record == change.record { prompt.latest[change.endpoint] = nil }
        if leisurely.latest[change.endpoint]?.record == change.record { leisurely.latest[change.endpoint] = nil }
    }

    /// States are read anew. What is to be told is told all the same.
    mutating func forgetStates() {
        prompt.latest = [:]
        leisurely.latest = [:]
        prompt.notices = prompt.notices.map(\.tellingOnly)
        leisurely.notices = leisurely.notices.map(\.tellingOnly)
    }

    /// From now on there is one queue. To be called while none of them is being written.
    mutating func hurry() {
        prompt.notices += leisurely.notices
        prompt.latest.merge(leisurely.latest) { _, later in later }
        leisurely = Queue()
        isHurried = true
    }
}
