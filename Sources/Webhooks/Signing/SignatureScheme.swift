/// How a message is signed. Standard Webhooks 1.0.0, "Signature scheme".
package enum SignatureScheme: String, CaseIterable, Sendable {
    /// HMAC-SHA256 (RFC 2104, FIPS 180-4) under a secret that both sides hold.
    case hmacSHA256 = "v1"
    /// Ed25519 (RFC 8032): the receiver holds the public key alone.
    case ed25519 = "v1a"
}
