import Crypto
import Foundation

/// What an endpoint's messages are signed with. Its text is shown to nobody but the endpoint's owner: descriptions,
/// mirrors and errors say `redacted`.
///
/// Standard Webhooks 1.0.0, "Signature scheme": `whsec_` and base64 of 24 to 64 random bytes for HMAC-SHA256, `whsk_`
/// and base64 of a private key for Ed25519. What has neither prefix is the free text that `webhooks.secret` held in
/// schema 1.0.0: its own bytes are the HMAC key, whatever they are.
package struct WebhookSecret: Sendable {
    enum Key: Sendable {
        case symmetric(SymmetricKey)
        case signing(Curve25519.Signing.PrivateKey)
    }

    let key: Key
    /// The text to store or to hand to the endpoint's owner. Not for a log, an error or a row of attempts.
    package let serialized: String

    /// Bytes of a symmetric secret with a prefix: 192 bits at least, 512 at most.
    package static let symmetricBytes = 24...64
    /// Random bytes that `generate` takes for either scheme: an Ed25519 seed's length (RFC 8032 section 5.1.5), and
    /// within the range of the symmetric ones.
    package static let generatedBytes = 32

    static let symmetricPrefix = "whsec_"
    static let privatePrefix = "whsk_"

    package var scheme: SignatureScheme {
        switch key {
        case .symmetric: .hmacSHA256
        case .signing: .ed25519
        }
    }

    /// The key that verifies what this one signs; nil for a symmetric secret, which has none.
    package var publicKey: WebhookPublicKey? {
        guard case .signing(let key) = key else { return nil }
        return WebhookPublicKey(key: key.publicKey)
    }

    /// A new secret of as many random bytes as `generatedBytes` says. A symmetric one also takes 24 to 64.
    ///
    /// - Throws: `Defect`, for another number of bytes.
    package static func generate(_ scheme: SignatureScheme, from random: [UInt8]) throws(Defect) -> WebhookSecret {
        let prefix = scheme == .ed25519 ? privatePrefix : symmetricPrefix
        return try WebhookSecret(prefix + Base64Text.encode(random))
    }
}

extension WebhookSecret: Equatable {
    package static func == (left: WebhookSecret, right: WebhookSecret) -> Bool {
        switch (left.key, right.key) {
        // SymmetricKey compares in constant time.
        case (.symmetric(let one), .symmetric(let other)): one == other
        case (.signing(let one), .signing(let other)):
            one.publicKey.rawRepresentation == other.publicKey.rawRepresentation
        case (.symmetric, .signing), (.signing, .symmetric): false
        }
    }
}

extension WebhookSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        "\(scheme.rawValue) secret (redacted)"
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: ["secret": "redacted"]) }
}
