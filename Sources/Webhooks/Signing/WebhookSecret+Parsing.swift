import Crypto
import Foundation

extension WebhookSecret {
    /// Reads a secret as `webhooks.secret` or a credential file holds it.
    ///
    /// A text that begins with `whsec_` or `whsk_` in any way, also in capitals or after a space, is never taken for raw
    /// bytes: its receiver would verify with another key, and every message would fail there without a word here.
    ///
    /// - Throws: `Defect`, by name of what is wrong, without a character of the text.
    package init(_ text: String) throws(Defect) {
        guard !text.isEmpty else {
            throw Defect(
                "secret_empty", "is empty", remedy: "set one with `tallyd webhooks rotate-secret`, or NULL for none")
        }
        if text.hasPrefix(Self.symmetricPrefix) {
            try self.init(symmetric: text)
        } else if text.hasPrefix(Self.privatePrefix) {
            try self.init(signing: text)
        } else {
            try Self.refuseLookalikes(text)
            self.init(key: .symmetric(SymmetricKey(data: Array(text.utf8))), serialized: text)
        }
    }

    private init(symmetric text: String) throws(Defect) {
        let bytes = try Self.decode(text.dropFirst(Self.symmetricPrefix.count))
        guard bytes.count >= Self.symmetricBytes.lowerBound else {
            throw Self.wrongLength("secret_too_short", bytes.count, wanted: "24 to 64")
        }
        guard bytes.count <= Self.symmetricBytes.upperBound else {
            throw Self.wrongLength("secret_too_long", bytes.count, wanted: "24 to 64")
        }
        self.init(key: .symmetric(SymmetricKey(data: bytes)), serialized: text)
    }

    /// The reference libraries write a private key as its seed of 32 bytes; others as seed and public key, 64 bytes, the
    /// form of NaCl and of Go's crypto/ed25519. The two halves must then belong together: a signature under a public key
    /// of another seed gives the seed away.
    private init(signing text: String) throws(Defect) {
        let bytes = try Self.decode(text.dropFirst(Self.privatePrefix.count))
        guard bytes.count >= 32 else { throw Self.wrongLength("secret_too_short", bytes.count, wanted: "32 or 64") }
        guard bytes.count <= 64 else { throw Self.wrongLength("secret_too_long", bytes.count, wanted: "32 or 64") }
        guard bytes.count == 32 || bytes.count == 64,
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes.prefix(32))
        else { throw Self.wrongLength("secret_wrong_length", bytes.count, wanted: "32 or 64") }
        guard bytes.count == 32 || Array(key.publicKey.rawRepresentation) == Array(bytes.suffix(32)) else {
            throw Defect(
                "secret_halves_differ", "has a public half that does not belong to its private half",
                remedy: "make a new one with `tallyd webhooks rotate-secret --ed25519`")
        }
        self.init(key: .signing(key), serialized: text)
    }

    private static func decode(_ text: Substring) throws(Defect) -> [UInt8] {
        if let bytes = Base64Text.decode(text) { return bytes }
        let isOtherAlphabet = text.contains { $0 == "-" || $0 == "_" }
        throw Defect(
            "secret_not_base64",
            isOtherAlphabet ? "is base64 of the URL alphabet" : "is not base64 after its prefix",
            remedy: "write the standard alphabet (RFC 4648 section 4), without spaces or line breaks")
    }

    private static func wrongLength(_ name: String, _ count: Int, wanted: String) -> Defect {
        Defect(name, "holds \(count) bytes", remedy: "\(wanted) are needed")
    }

    private static func refuseLookalikes(_ text: String) throws(Defect) {
        // Foundation's trimming leaves a byte-order mark and zero-width spaces in place; both are of the format category.
        let bare = text.drop { character in
            character.isWhitespace || character.unicodeScalars.allSatisfy { $0.properties.generalCategory == .format }
        }.lowercased()
        if bare.hasPrefix(WebhookPublicKey.prefix) {
            throw Defect(
                "secret_is_public_key", "is a public key, which signs nothing",
                remedy: "write the private key, which begins with whsk_")
        }
        if bare.hasPrefix(symmetricPrefix) || bare.hasPrefix(privatePrefix) {
            throw Defect(
                "secret_prefix_malformed", "has something before its prefix, or the prefix in capitals",
                remedy: "write whsec_ or whsk_ in small letters as its first characters")
        }
    }
}
