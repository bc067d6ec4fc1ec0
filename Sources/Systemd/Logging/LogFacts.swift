import Logging

/// The metadata of one log event, from all its sources, flat and in the order of its keys.
struct LogFacts {
    /// Key and value as text. A list gives its key once for each element, a dictionary gives `key_inner`.
    private(set) var pairs: [(key: String, value: String)] = []

    /// The value of `message_id`, where there is one: 128 bits that name the kind of event in the journal's catalog.
    private(set) var messageID: String?

    /// What stands at the call wins over the provider's, and that over the handler's own. An attached error becomes
    /// `error` unless the call says its own.
    init(event: LogEvent, handler: Logger.Metadata, provider: Logger.MetadataProvider?) {
        var merged = handler
        if let provided = provider?.get() { merged.merge(provided) { $1 } }
        if let error = event.error { merged["error"] = "\(error)" }
        if let given = event.metadata { merged.merge(given) { $1 } }
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) { append(key, value) }
    }

    private mutating func append(_ key: String, _ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): append(key, text: text)
        case .stringConvertible(let thing): append(key, text: thing.description)
        case .array(let elements):
            for element in elements { append(key, element) }
        case .dictionary(let inner):
            for (innerKey, value) in inner.sorted(by: { $0.key < $1.key }) { append("\(key)_\(innerKey)", value) }
        }
    }

    private mutating func append(_ key: String, text: String) {
        if key == "message_id", let id = Self.messageID(text) {
            messageID = id
        } else {
            pairs.append((key, text))
        }
    }

    /// sd-id128(3) prints 32 lower-case digits; a UUID with hyphens means the same bits.
    private static func messageID(_ text: String) -> String? {
        let digits = text.lowercased().filter { $0 != "-" }
        return digits.utf8.count == 32 && digits.allSatisfy(\.isHexDigit) ? digits : nil
    }
}
