/// The handshake in which a receiver says that it wants messages, before the first is sent: an OPTIONS request and what
/// its response's headers say. CloudEvents, HTTP 1.1 Web Hooks 1.0.2, section 4.
package struct DeliveryConsent: Hashable, Sendable {
    /// The sending system's DNS name; the same header goes with every later delivery.
    package let origin: String
    /// Messages a minute that are asked for; nil to ask for none in particular.
    package let rate: Int?

    package static let originHeader = "WebHook-Request-Origin"
    package static let rateHeader = "WebHook-Request-Rate"
    package static let allowedOriginHeader = "WebHook-Allowed-Origin"
    package static let allowedRateHeader = "WebHook-Allowed-Rate"

    package enum Answer: Hashable, Sendable {
        /// - Parameter perMinute: nil for no limit, or where the receiver said nothing of one that was not asked for.
        case granted(perMinute: Int?)
        case refused(Refusal)
    }

    package enum Refusal: String, Sendable {
        /// Or it answers later by a callback; its status alone is no consent (section 4.2).
        case withoutOrigin = "the response names no allowed origin"
        case otherOrigin = "the response allows another origin"
        case withoutRate = "the response grants no rate though one was asked for"
        case malformedRate = "the response's rate is neither * nor a whole number from 1"
    }

    /// - Throws: `Defect`, for an origin that is no DNS name, and a rate below 1.
    package init(origin: String, rate: Int? = nil) throws(Defect) {
        guard case .name(let name) = try DeliveryHost.parse(origin[...]) else {
            throw Defect("origin_is_address", "is an address", remedy: "write a DNS name")
        }
        guard rate.map({ $0 >= 1 }) ?? true else {
            throw Defect("rate_malformed", "is below 1", remedy: "write messages a minute, or leave it out")
        }
        self.origin = name
        self.rate = rate
    }

    /// Of the OPTIONS request, which goes to the very url that messages will go to.
    package var requestHeaders: [(name: String, value: String)] {
        [(Self.originHeader, origin)] + (rate.map { [(Self.rateHeader, String($0))] } ?? [])
    }

    /// - Parameters: the response's headers; nil for one that is not there.
    package func answer(allowedOrigin: String?, allowedRate: String?) -> Answer {
        guard let allowedOrigin = allowedOrigin.map(Self.trimmed), !allowedOrigin.isEmpty else {
            return .refused(.withoutOrigin)
        }
        // Names of hosts know no capitals (RFC 4343).
        guard allowedOrigin == "*" || allowedOrigin.lowercased() == origin else { return .refused(.otherOrigin) }
        guard let allowedRate = allowedRate.map(Self.trimmed) else {
            return rate == nil ? .granted(perMinute: nil) : .refused(.withoutRate)
        }
        if allowedRate == "*" { return .granted(perMinute: nil) }
        guard (1...9).contains(allowedRate.utf8.count), allowedRate.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(allowedRate), number >= 1
        else { return .refused(.malformedRate) }
        return .granted(perMinute: number)
    }

    private static func trimmed(_ value: String) -> String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        return String(value.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
