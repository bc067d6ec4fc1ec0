import Crypto
package import Foundation

/// The value of the `webhook-signature` header. Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".
///
/// What is signed is the id, a full stop, the timestamp of this attempt in whole seconds since 1970, a full stop, and the
/// body's bytes as they are sent.
package struct WebhookSignature: Hashable, Sendable, CustomStringConvertible {
    /// `v1,base64`, several with one space between, the newest secret's first.
    package let description: String

    /// Signs with the present secret, and with former ones for as long as they overlap after a rotation.
    ///
    /// - Parameters:
    ///   - timestamp: seconds since 1970; another for each attempt.
    ///   - body: any bytes, also none.
    /// - Throws: what the cryptographic library says; it has no failures for keys that were read.
    package init(
        id: MessageID, timestamp: Int64, body: some DataProtocol, secret: WebhookSecret, former: [WebhookSecret] = []
    ) throws {
        let content = SignedContent(id: id.description, timestamp: String(timestamp), body: body)
        var signatures: [String] = []
        for secret in [secret] + former {
            let signature = secret.scheme.rawValue + "," + Base64Text.encode(try content.signature(under: secret))
            if !signatures.contains(signature) { signatures.append(signature) }
        }
        description = signatures.joined(separator: " ")
    }
}

/// The bytes under a signature, without a second copy of a large body where the scheme can do without.
struct SignedContent<Body: DataProtocol> {
    private let head: Data
    private let body: Body

    init(id: String, timestamp: String, body: Body) {
        head = Data("\(id).\(timestamp).".utf8)
        self.body = body
    }

    func signature(under secret: WebhookSecret) throws -> Data {
        switch secret.key {
        case .symmetric(let key): Data(code(under: key))
        // Ed25519 hashes its message twice, so the library wants it in one piece (RFC 8032 section 5.1.6).
        case .signing(let key): try key.signature(for: head + Data(body))
        }
    }

    /// Compares in constant time.
    func matches(_ signature: [UInt8], under key: SymmetricKey) -> Bool {
        code(under: key) == Data(signature)
    }

    func matches(_ signature: [UInt8], under key: Curve25519.Signing.PublicKey) -> Bool {
        key.isValidSignature(signature, for: head + Data(body))
    }

    private func code(under key: SymmetricKey) -> HashedAuthenticationCode<SHA256> {
        var hash = HMAC<SHA256>(key: key)
        hash.update(data: head)
        for region in body.regions { hash.update(data: region) }
        return hash.finalize()
    }
}
