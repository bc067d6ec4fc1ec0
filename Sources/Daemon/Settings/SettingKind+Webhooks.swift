import Foundation
import Webhooks

extension SettingKind where Value == [String] {
    /// Ids with commas between them.
    static var ids: Self {
        SettingKind(accepts: "user ids with commas between them", text: { $0.joined(separator: ",") }) {
            text throws(SettingComplaint) in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            guard !parts.contains("") else {
                throw SettingComplaint("has a comma too many; write ids with one comma between two")
            }
            return parts
        }
    }
}

extension SettingKind where Value == RetrySchedule {
    static var retries: Self {
        SettingKind(accepts: "up to 50 durations with spaces between them, or off", text: \.description) {
            text throws(SettingComplaint) in
            do throws(Defect) { return try RetrySchedule(text) } catch { throw SettingComplaint("\(error)") }
        }
    }
}

extension SettingKind where Value == AddressList {
    static var addresses: Self {
        SettingKind(
            accepts: "blocks of addresses and host names with commas between them",
            text: { ($0.blocks.map(\.description) + $0.hosts.map(\.description)).joined(separator: ",") }
        ) { text throws(SettingComplaint) in
            do throws(Defect) { return try AddressList(text) } catch { throw SettingComplaint("\(error)") }
        }
    }
}

extension SettingKind where Value == Int {
    static func count(_ range: ClosedRange<Int>) -> Self {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        return SettingKind(accepts: "a whole number from \(limits)", text: \.description) {
            text throws(SettingComplaint) in
            guard let number = Int(text) else { throw SettingComplaint("is no whole number; write \(limits)") }
            guard range.contains(number) else { throw SettingComplaint("is out of range; write \(limits)") }
            return number
        }
    }
}

/// A host name, by which receivers of CloudEvents know the sender.
package struct DNSName: Sendable, Hashable {
    package let text: String
}

extension SettingKind where Value == DNSName {
    static var dnsName: Self {
        SettingKind(accepts: "a DNS name", text: \.text) { text throws(SettingComplaint) in
            do throws(Defect) {
                return DNSName(text: try DeliveryConsent(origin: text).origin)
            } catch {
                throw SettingComplaint("\(error)")
            }
        }
    }
}
