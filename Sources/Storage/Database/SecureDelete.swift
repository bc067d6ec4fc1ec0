/// What the writing connection does with content that it deletes (sqlite.org/pragma.html#pragma_secure_delete).
package enum SecureDelete: String, CaseIterable, Sendable {
    /// Overwritten within pages that are written anyway; pages that become free are left as they are.
    case fast
    /// Overwritten with zeros, pages that become free included: each of them is one more to write.
    case on
    /// Left as it is until something else is written there.
    case off
}
