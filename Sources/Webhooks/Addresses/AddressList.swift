/// What is allowed, or denied: blocks of addresses, and names.
package struct AddressList: Hashable, Sendable {
    package var blocks: [CIDR]
    package var hosts: [HostPattern]

    package static let empty = AddressList(blocks: [], hosts: [])

    package init(blocks: [CIDR], hosts: [HostPattern]) {
        self.blocks = blocks
        self.hosts = hosts
    }

    /// Reads entries with commas or spaces between: `10.0.0.0/8, fd00::/8, *.internal.example.com`.
    ///
    /// - Throws: `Defect`, whose reason names the entry: settings hold no secret.
    package init(_ text: String) throws(Defect) {
        self = .empty
        for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let entry = String(part)
            do throws(Defect) {
                if entry.contains("/") || entry.contains(":") || IPAddress(entry) != nil {
                    blocks.append(try CIDR(entry))
                } else {
                    hosts.append(try HostPattern(entry))
                }
            } catch {
                throw Defect(
                    error.name, "has an entry \"\(entry.prefix(60))\" that \(error.reason)", remedy: error.remedy)
            }
        }
    }

    func block(around address: IPAddress) -> CIDR? {
        blocks.first { $0.contains(address) }
    }

    func pattern(for host: String) -> HostPattern? {
        hosts.first { $0.matches(host) }
    }
}
