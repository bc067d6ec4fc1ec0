import Crypto
package import Foundation
package import Scheduling

/// The receiver's side: whether a message comes from a holder of a known key, and is new.
/// Standard Webhooks 1.0.0, "Verifying signatures".
package struct WebhookVerifier: Sendable {
    package enum Key: Sendable, Equatable {
        case secret(WebhookSecret)
        case publicKey(WebhookPublicKey)
    }

    /// The three headers as they came; nil for one that was not there.
    package struct Headers: Sendable, Hashable {
        package var id: String?
        package var timestamp: String?
        package var signature: String?

        package init(id: String?, timestamp: String?, signature: String?) {
            self.id = id
            self.timestamp = timestamp
            self.signature = signature
        }
    }

    package enum Verdict: Sendable, Equatable {
        /// - Parameter key: the index of the key that fits; after a rotation, it tells which side still signs with what.
        case genuine(key: Int)
        case refused(Refusal)
    }

    package enum Refusal: String, Sendable, CaseIterable {
        case missingHeader = "a header is missing"
        case malformedID = "the id holds what no id may"
        case malformedTimestamp = "the timestamp is no whole number of seconds"
        case tooOld = "the timestamp is too old"
        case tooNew = "the timestamp is too far in the future"
        case noMatch = "no signature fits"
    }

    package let keys: [Key]
    package let tolerance: Duration

    /// Longer headers are not looked into: a sender of ours writes two signatures, and each one costs a comparison.
    static let longestHeader = 8_192

    /// - Parameters:
    ///   - keys: any of them may fit.
    ///   - tolerance: how far the timestamp may lie on either side of now, the limit included: 5 minutes in the reference
    ///     libraries.
    package init(keys: [Key], tolerance: Duration = .seconds(300)) {
        self.keys = keys
        self.tolerance = tolerance
    }

    package func verdict(on headers: Headers, body: some DataProtocol, at now: Instant) -> Verdict {
        guard let id = headers.id, let stamp = headers.timestamp, let signature = headers.signature else {
            return .refused(.missingHeader)
        }
        guard (try? MessageID(id)) != nil else { return .refused(.malformedID) }
        guard !stamp.isEmpty, stamp.utf8.count <= 15, stamp.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let seconds = Int64(stamp)
        else { return .refused(.malformedTimestamp) }
        // Whole seconds, as the header has them: a sender's rounding down must not count as age.
        let (second, _) = now.milliseconds.quotientAndRemainder(dividingBy: 1_000)
        if .seconds(second - seconds) > tolerance { return .refused(.tooOld) }
        if .seconds(seconds - second) > tolerance { return .refused(.tooNew) }
        guard signature.utf8.count <= Self.longestHeader else { return .refused(.noMatch) }

        // The timestamp is signed as it was written, leading zeros and all.
        let content = SignedContent(id: id, timestamp: stamp, body: body)
        for part in signature.split(separator: " ") {
            guard let comma = part.firstIndex(of: ","), let scheme = SignatureScheme(rawValue: String(part[..<comma])),
                let bytes = Base64Text.decode(part[part.index(after: comma)...])
            else { continue }
            if let index = keys.firstIndex(where: { Self.fits(bytes, scheme, $0, content) }) {
                return .genuine(key: index)
            }
        }
        return .refused(.noMatch)
    }

    private static func fits(
        _ signature: [UInt8], _ scheme: SignatureScheme, _ key: Key, _ content: SignedContent<some DataProtocol>
    ) -> Bool {
        switch (key, scheme) {
        case (.publicKey(let key), .ed25519): content.matches(signature, under: key.key)
        case (.secret(let secret), _) where secret.scheme == scheme:
            switch secret.key {
            case .symmetric(let key): content.matches(signature, under: key)
            case .signing(let key): content.matches(signature, under: key.publicKey)
            }
        default: false
        }
    }
}
