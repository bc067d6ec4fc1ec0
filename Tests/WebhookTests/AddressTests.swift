import Testing

@testable import Webhooks

@Suite struct `Addresses` {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("1.2.3.4", "1.2.3.4"), ("::", "::"),
        ("::1", "::1"), ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::ffff:1.2.3.4", "::ffff:102:304"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("0:0:0:0:0:0:0:0", "::"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("0001:0000::", "1::"),
    ])
    func `texts of addresses have one canonical form`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.04", "1.2.3.", ".1.2.3", "1..2.3", "0x1.2.3.4",
        " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "+1.2.3.4", "１.2.3.4", "1。2。3。4", ":", ":::", "1:", ":1", "1:2", "::1::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1:2:3:4:5:6:7:8", "1::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
        "fe80::1%eth0", "[::1]", "::1/128", "::00001", "::g", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::-1", "::ffff:01.2.3.4",
    ])
    func `what is no address in the strict forms is refused`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `bytes of another number are no address`() {
        for count in 0...20 where count != 4 && count != 16 {
            #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
        }
    }
}

@Suite struct `Blocks of addresses` {
    @Test(arguments: ["0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32", "::/0", "fd00::/8", "2001:db8::1/128"])
    func `a block is read and written`(text: String) throws {
        #expect(try CIDR(text).description == text)
    }

    @Test func `an address alone is its own block`() throws {
        #expect(try CIDR("10.1.2.3").description == "10.1.2.3/32")
        #expect(try CIDR("::1").description == "::1/128")
    }

    @Test(arguments: [
        ("", "block_malformed"), ("x/8", "block_malformed"), ("10/8", "block_malformed"),
        ("10.0.0.0/8/8", "block_malformed"),
        ("/8", "block_malformed"), ("10.0.0.0/", "block_prefix_malformed"), ("10.0.0.0/33", "block_prefix_malformed"),
        ("::/129", "block_prefix_malformed"), ("10.0.0.0/08", "block_prefix_malformed"),
        ("10.0.0.0/+8", "block_prefix_malformed"), ("10.0.0.0/-1", "block_prefix_malformed"),
        ("10.0.0.0/255.0.0.0", "block_prefix_malformed"), ("10.0.0.1/8", "block_has_host_bits"),
        ("fd00::1/8", "block_has_host_bits"),
    ])
    func `another text is refused by name`(text: String, name: String) {
        #expect(#expect(throws: Defect.self) { try CIDR(text) }?.name == name)
    }

    @Test func `its first and last address belong to it, and their neighbours do not`() throws {
        for text in [
            "10.0.0.0/8", "172.16.0.0/12", "192.0.2.128/25", "1.2.3.4/32", "2001:db8::/32", "fe80::/10", "::1/128",
        ] {
            let block = try CIDR(text)
            #expect(block.contains(block.network) && block.contains(block.last))
            #expect(!block.contains(block.network.advanced(by: -1)))
            #expect(!block.contains(block.last.advanced(by: 1)))
        }
        #expect(try !CIDR("::/0").contains(.v4(1)))
        #expect(try !CIDR("0.0.0.0/0").contains(.v6(1)))
        #expect(try CIDR("0.0.0.0/0").contains(.v4(.max)))
    }
}

extension IPAddress {
    /// Wraps around at the ends of the family.
    func advanced(by step: Int) -> IPAddress {
        switch self {
        case .v4(let value): .v4(value &+ UInt32(truncatingIfNeeded: step))
        case .v6(let value): .v6(value &+ UInt128(truncatingIfNeeded: step))
        }
    }
}
