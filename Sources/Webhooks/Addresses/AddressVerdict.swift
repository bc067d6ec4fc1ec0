/// Whether a delivery may go to an address.
package enum AddressVerdict: Hashable, Sendable {
    case admitted
    case refused(AddressRefusal)

    package var isAdmitted: Bool { self == .admitted }
}

package struct AddressRefusal: Hashable, Sendable, CustomStringConvertible {
    package let reason: AddressReason
    /// What was judged; nil where a name was denied or had no address.
    package let address: IPAddress?
    /// The IPv4 address inside of it that decided, if one did.
    package let inner: IPAddress?
    /// The entry of the list that denied it.
    package let entry: String?

    init(_ reason: AddressReason, _ address: IPAddress?, inner: IPAddress? = nil, entry: String? = nil) {
        self.reason = reason
        self.address = address
        self.inner = inner
        self.entry = entry
    }

    /// What to do if it is meant to be delivered to; nil where no setting helps.
    package var remedy: String? {
        switch reason {
        case .denied: "take it out of TALLYD_WEBHOOK_DENY, if it is meant"
        case .noAddress: nil
        default: address.map { "TALLYD_WEBHOOK_ALLOW=\(inner ?? $0) allows it, if it is meant" }
        }
    }

    package var description: String {
        let subject = address.map { "\($0)" } ?? "the name"
        let carried = inner.map { ", which carries \($0): that" } ?? ""
        return subject + carried + " " + reason.sentence + (entry.map { " (\($0))" } ?? "")
    }
}
