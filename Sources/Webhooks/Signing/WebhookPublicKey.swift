import Crypto
import Foundation

/// The public half of an Ed25519 secret, which may be shown to anybody: `whpk_` and base64 of 32 bytes.
/// Standard Webhooks 1.0.0, "Signature scheme"; RFC 8032 section 5.1.5.
package struct WebhookPublicKey: Sendable, Hashable, CustomStringConvertible {
    let key: Curve25519.Signing.PublicKey

    static let prefix = "whpk_"

    init(key: Curve25519.Signing.PublicKey) {
        self.key = key
    }

    /// - Throws: `Defect`, for a text without the prefix, what is not base64, and another length than 32 bytes.
    package init(_ text: String) throws(Defect) {
        guard text.hasPrefix(Self.prefix) else {
            throw Defect("public_key_without_prefix", "does not begin with whpk_", remedy: "write whpk_ and base64")
        }
        guard let bytes = Base64Text.decode(text.dropFirst(Self.prefix.count)) else {
            throw Defect(
                "public_key_not_base64", "is not base64 after its prefix",
                remedy: "write the standard alphabet (RFC 4648 section 4), without spaces or line breaks")
        }
        guard bytes.count == 32, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else {
            throw Defect("public_key_wrong_length", "holds \(bytes.count) bytes", remedy: "32 are needed")
        }
        self.key = key
    }

    package var description: String {
        Self.prefix + Base64Text.encode(key.rawRepresentation)
    }

    package static func == (left: WebhookPublicKey, right: WebhookPublicKey) -> Bool {
        left.key.rawRepresentation == right.key.rawRepresentation
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(key.rawRepresentation)
    }
}
