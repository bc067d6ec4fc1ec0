import Foundation
import TestSupport
import Testing

@testable import Webhooks

/// Holds the verdicts against Python's `ipaddress`, over all borders of all blocks and random addresses.
@Suite struct `Addresses, as Python judges them` {
    /// Blocks in which we mean to differ from it, and why. Python's own table also changed between 3.11 and 3.13; what
    /// changed is in here.
    private static let differences: [(block: String, reason: String)] = [
        ("192.0.0.0/24", "wholly refused; Python admits the anycast addresses, older ones all but a few"),
        ("192.31.196.0/24", "AS112: globally reachable by the registry, answered by the network one is in"),
        ("192.52.193.0/24", "AMT: likewise"),
        ("192.175.48.0/24", "AS112: likewise"),
        ("192.88.99.0/24", "6to4 relays: withdrawn by RFC 7526, and global to Python"),
        ("168.63.129.16/32", "Azure's platform: a public address"),
        ("161.26.0.0/16", "IBM's services: public numbers"),
        ("166.8.0.0/14", "IBM's services: public numbers"),
        ("::ffff:0:0/96", "the mapped address decides; Python says private to all, or asks as we do, by version"),
        ("64:ff9b::/96", "the address behind NAT64 decides"),
        ("64:ff9b:1::/48", "RFC 8215: global to older Pythons"),
        (
            "2001::/23",
            "wholly refused but for Teredo, whose server and client decide; Python has exceptions by version"
        ),
        ("2002::/16", "6to4: the address inside decides; private to newer Pythons"),
        ("2620:4f:8000::/48", "AS112: answered by the network one is in"),
        ("3ffe::/16", "returned by 6bone: global to Python"),
        ("3fff::/20", "documentation since RFC 9637: global to older Pythons"),
        ("::/3", "only 2000::/3 is handed out; what else is reserved is global to Python"),
        ("4000::/2", "likewise"),
        ("8000::/1", "likewise, beside what both refuse"),
    ]

    private static let script = """
        import ipaddress, sys
        for line in sys.stdin:
            a = ipaddress.ip_address(line.strip())
            print(a.packed.hex(), 1 if a.is_global and not a.is_multicast else 0)
        """

    private static func borders() throws -> [IPAddress] {
        let blocks =
            SpecialBlock.all.map(\.block) + CloudService.addresses
            + (try differences.map { try CIDR($0.block) }) + [SpecialBlock.globalUnicast]
        return blocks.flatMap { block in
            [block.network, block.last].flatMap { edge in (-2...2).map { edge.advanced(by: $0) } }
        }
    }

    @Test func `every border and 60,000 random addresses are judged as Python does, but for the listed differences`()
        async throws
    {
        var random = SplitMix64(for: "addresses, as Python judges them")
        let borders = try Self.borders()
        var addresses = borders
        for round in 0..<60_000 {
            switch round % 4 {
            case 0: addresses.append(.v4(.random(in: 0...(.max), using: &random)))
            case 1: addresses.append(.v6(.random(in: 0...(.max), using: &random)))
            case 2: addresses.append(.v6(UInt128.random(in: 0...(.max), using: &random) >> 3 | 1 << 125))
            // Near a border, in the low bits or by one flipped bit.
            default:
                let edge = borders[Int.random(in: 0..<borders.count, using: &random)]
                let bit = Int.random(in: 0..<edge.bitCount, using: &random)
                switch edge {
                case .v4(let value): addresses.append(.v4(value ^ 1 << UInt32(bit)))
                case .v6(let value): addresses.append(.v6(value ^ 1 << UInt128(bit)))
                }
            }
        }
        let input = addresses.map(\.description).joined(separator: "\n")
        let run = try await ToolRun.run(
            "python3", ["-c", Self.script], variables: Python.variables, input: Data(input.utf8))
        #expect(run.status == 0, "\(run.errors.suffix(300))")
        let lines = run.output.split(separator: "\n")
        try #require(lines.count == addresses.count)

        let different = try Self.differences.map { try CIDR($0.block) }
        let policy = AddressPolicy()
        var compared = (admitted: 0, refused: 0)
        for (address, line) in zip(addresses, lines) {
            let words = line.split(separator: " ")
            // That it reads our text as the address we mean.
            #expect(words[0] == address.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
            let isOurs = policy.verdict(on: address).isAdmitted
            // A tunnel's identifier under a public prefix: what it carries decides, and Python does not look.
            let isTunnel = !EmbeddedAddress.inside(address).isEmpty
            guard !isTunnel, !different.contains(where: { $0.contains(address) }) else { continue }
            #expect(isOurs == (words[1] == "1"), "\(address)")
            if isOurs { compared.admitted += 1 } else { compared.refused += 1 }
        }
        #expect(compared.admitted > 20_000 && compared.refused > 1_500, "\(compared)")
    }

    @Test func `texts are read as Python reads them`() async throws {
        var random = SplitMix64(for: "texts of addresses")
        let pieces = [
            "0", "1", "ff", "ffff", "10", "255", "256", "00", "01", "g", "", ":", "::", ":", ":", ".", ".", ".", "%1",
            "1.2.3.4",
        ]
        var texts: [String] = []
        for _ in 0..<20_000 {
            texts.append(
                (0..<Int.random(in: 1...15, using: &random)).map { _ in
                    pieces[Int.random(in: 0..<pieces.count, using: &random)]
                }.joined())
            // Closer to an address: groups and colons in turn, sometimes one too many.
            let groups = (0..<Int.random(in: 6...9, using: &random)).map { _ in
                pieces[Int.random(in: 0..<12, using: &random)]
            }
            texts.append(groups.joined(separator: ":"))
            texts.append((0..<4).map { _ in pieces[Int.random(in: 0..<8, using: &random)] }.joined(separator: "."))
        }
        let script = """
            import ipaddress, sys
            for line in sys.stdin.read().split("\\n"):
                try: print(ipaddress.ip_address(line).packed.hex() if "%" not in line else "-")
                except ValueError: print("-")
            """
        let run = try await ToolRun.run(
            "python3", ["-c", script], variables: Python.variables, input: Data(texts.joined(separator: "\n").utf8))
        let lines = run.output.split(separator: "\n")
        try #require(run.status == 0 && lines.count == texts.count, "\(run.errors.suffix(300))")
        var read = 0
        for (text, line) in zip(texts, lines) {
            let ours = IPAddress(text).map { $0.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
            #expect((ours ?? "-") == line, "\(text)")
            if ours != nil { read += 1 }
        }
        #expect(read > 500, "\(read)")
    }
}
