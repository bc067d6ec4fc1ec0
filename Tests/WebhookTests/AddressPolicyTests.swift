import Testing

@testable import Webhooks

@Suite struct `Address policy` {
    private static func reason(_ text: String, _ policy: AddressPolicy = AddressPolicy()) throws -> AddressReason? {
        let address = try #require(IPAddress(text), "\(text)")
        guard case .refused(let refusal) = policy.verdict(on: address) else { return nil }
        #expect(refusal.address == address)
        return refusal.reason
    }

    static let refused: [(String, AddressReason)] = [
        ("0.0.0.0", .thisNetwork), ("10.0.0.1", .privateUse), ("172.31.255.255", .privateUse),
        ("192.168.1.1", .privateUse),
        ("100.64.0.1", .sharedSpace), ("127.0.0.1", .loopback), ("127.255.255.254", .loopback),
        ("169.254.1.1", .linkLocal),
        ("192.0.0.1", .protocolAssignment), ("192.0.0.9", .protocolAssignment), ("192.0.2.1", .documentation),
        ("198.51.100.1", .documentation), ("203.0.113.1", .documentation), ("198.19.255.255", .benchmarking),
        ("192.88.99.1", .relay), ("224.0.0.1", .multicast), ("239.255.255.255", .multicast), ("240.0.0.1", .reserved),
        ("255.255.255.255", .broadcast), ("192.31.196.1", .protocolAssignment), ("192.52.193.1", .protocolAssignment),
        ("192.175.48.1", .protocolAssignment), ("::", .unspecified), ("::1", .loopback), ("::8.8.8.8", .compatible),
        ("64:ff9b:1::8.8.8.8", .localTranslation), ("100::1", .discardOnly), ("100:0:0:1::1", .reserved),
        ("2001:2::1", .benchmarking), ("2001:10::1", .orchid), ("2001:20::1", .orchid), ("2001:30::1", .orchid),
        ("2001:1::1", .protocolAssignment), ("2001:db8::1", .documentation), ("3fff:fff::1", .documentation),
        ("5f00::1", .segmentRouting), ("fc00::1", .uniqueLocal), ("fdff::1", .uniqueLocal), ("fe80::1", .linkLocal),
        ("fec0::1", .siteLocal), ("ff02::1", .multicast), ("4000::1", .reserved), ("::ffff:0:8.8.8.8", .reserved),
        ("2620:4f:8000::1", .protocolAssignment), ("3ffe::1", .reserved),
        // What is carried decides.
        ("::ffff:127.0.0.1", .loopback), ("::ffff:10.0.0.1", .privateUse), ("64:ff9b::10.0.0.1", .privateUse),
        ("64:ff9b::169.254.169.254", .cloudMetadata), ("2002:a00:1::1", .privateUse), ("2002:7f00:1::", .loopback),
        // Teredo: the client at the end, inverted (10.0.0.1), with a public server; then the server private.
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", .privateUse), ("2001:0:a00:1:8000:63bf:3fff:fdd2", .privateUse),
        // ISATAP under a public prefix, in both forms of its identifier.
        ("2a00:1450:1:2:0:5efe:10.0.0.1", .privateUse), ("2a00:1450:1:2:200:5efe:127.0.0.1", .loopback),
        // The clouds.
        ("169.254.169.254", .cloudMetadata), ("168.63.129.16", .cloudMetadata), ("100.100.100.200", .cloudMetadata),
        ("192.0.0.192", .cloudMetadata), ("fd00:ec2::254", .cloudMetadata), ("fd20:ce::254", .cloudMetadata),
        ("::ffff:168.63.129.16", .cloudMetadata), ("2002:a83f:8110::1", .cloudMetadata),
        ("169.254.170.2", .cloudMetadata),
    ]

    @Test(arguments: refused)
    func `a special address is refused with its reason`(text: String, reason: AddressReason) throws {
        #expect(try Self.reason(text) == reason)
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
        "172.32.0.0",
        "223.255.255.255", "168.63.129.15", "2a00:1450:4001::1", "2600::1", "2001:200::1", "3fff:1000::1",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2a00:1450:1:2:0:5efe:8.8.8.8",
        // Teredo of 65.54.227.120 for 8.8.8.8.
        "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
    ])
    func `a public address is admitted`(text: String) throws {
        #expect(try Self.reason(text) == nil)
    }

    @Test func `this machine's own addresses are refused, also where they are carried`() throws {
        let policy = AddressPolicy(own: [try #require(IPAddress("8.8.4.4")), try #require(IPAddress("2a00:1::5"))])
        for text in ["8.8.4.4", "::ffff:8.8.4.4", "64:ff9b::8.8.4.4", "2002:808:404::1", "2a00:1::5"] {
            #expect(try Self.reason(text, policy) == .thisMachine, "\(text)")
        }
        #expect(try Self.reason("8.8.4.5", policy) == nil)
    }

    @Test func `what is allowed passes, and what is denied never does`() throws {
        let policy = try AddressPolicy(
            allowed: AddressList("10.0.0.0/8 127.0.0.1, ::1 168.63.129.16"),
            denied: AddressList("10.66.0.0/16, 8.8.8.0/24"),
            own: [.v4(0x7F00_0001)])
        for text in ["10.0.0.1", "::ffff:10.0.0.1", "2002:a00:1::1", "127.0.0.1", "::1", "168.63.129.16", "9.9.9.9"] {
            #expect(try Self.reason(text, policy) == nil, "\(text)")
        }
        for text in ["10.66.0.1", "::ffff:10.66.0.1", "8.8.8.8", "64:ff9b::8.8.8.8", "::8.8.8.8", "2002:808:808::1"] {
            #expect(try Self.reason(text, policy) == .denied, "\(text)")
        }
        #expect(try Self.reason("127.0.0.2", policy) == .loopback)
    }

    @Test func `one refused address refuses the name`() throws {
        let policy = AddressPolicy()
        let host = DeliveryHost.name("example.com")
        func verdict(_ texts: String...) -> AddressVerdict {
            policy.verdict(on: host, resolvedTo: texts.compactMap { IPAddress($0) })
        }
        #expect(verdict("8.8.8.8", "1.1.1.1", "2600::1").isAdmitted)
        #expect(verdict("8.8.8.8", "10.0.0.1") == .refused(AddressRefusal(.privateUse, IPAddress("10.0.0.1"))))
        #expect(verdict("::1", "8.8.8.8") == .refused(AddressRefusal(.loopback, IPAddress("::1"))))
        #expect(verdict() == .refused(AddressRefusal(.noAddress, nil)))
    }

    @Test func `names are allowed and denied, the denied first`() throws {
        let policy = try AddressPolicy(
            allowed: AddressList("*.inside.example, exact.example"),
            denied: AddressList("bad.inside.example *.evil.example 10.66.0.0/16"))
        let inside = [IPAddress.v4(0x0A00_0001)]
        func verdict(_ name: String, _ addresses: [IPAddress]) -> AddressVerdict {
            policy.verdict(on: .name(name), resolvedTo: addresses)
        }
        #expect(verdict("a.inside.example", inside).isAdmitted)
        #expect(verdict("a.b.inside.example", inside).isAdmitted)
        #expect(verdict("exact.example", inside).isAdmitted)
        for name in [
            "inside.example", "xinside.example", "sub.exact.example", "bad.inside.example", "a.inside.example.com",
        ] {
            #expect(!verdict(name, inside).isAdmitted, "\(name)")
        }
        #expect(
            verdict("bad.inside.example", [.v4(0x0808_0808)])
                == .refused(AddressRefusal(.denied, nil, entry: "bad.inside.example")))
        #expect(
            verdict("x.evil.example", [.v4(0x0808_0808)])
                == .refused(AddressRefusal(.denied, nil, entry: "*.evil.example")))
        #expect(verdict("evil.example", [.v4(0x0808_0808)]).isAdmitted)
        #expect(!verdict("a.inside.example", [.v4(0x0A42_0001)]).isAdmitted)
        #expect(policy.refusal(ofName: "x.evil.example") != nil)
    }

    @Test(arguments: [
        "*", "*.", "a.*.b", "-a.example", "10.0.0.1/8", "host:80", "*.1.2.3.4", "2130706433", "münchen.example", "**.x",
    ])
    func `an entry that is neither block nor name is refused`(text: String) {
        #expect(throws: Defect.self) { try AddressList(text) }
    }

    @Test func `a refusal says what and why`() throws {
        let policy = AddressPolicy(denied: try AddressList("9.9.9.0/24"))
        func sentence(_ text: String) -> String? {
            guard let address = IPAddress(text), case .refused(let refusal) = policy.verdict(on: address) else {
                return nil
            }
            return "\(refusal)"
        }
        #expect(sentence("10.0.0.1") == "10.0.0.1 is a private address")
        #expect(sentence("::ffff:127.0.0.1") == "::ffff:7f00:1, which carries 127.0.0.1: that is a loopback address")
        #expect(sentence("9.9.9.9") == "9.9.9.9 is on the list of what is denied (9.9.9.0/24)")
        for reason in AddressReason.allCases { #expect(!reason.sentence.isEmpty) }
    }

    @Test func `a narrower block stands before the one around it`() {
        for table in [SpecialBlock.v4, SpecialBlock.v6] {
            for (index, outer) in table.enumerated() {
                for inner in table[(index + 1)...] {
                    #expect(
                        !outer.block.contains(inner.block.network) || outer.block.prefix > inner.block.prefix,
                        "\(inner.block)")
                }
            }
        }
        #expect(SpecialBlock.all.count == 39)
        #expect(!CloudService.addresses.isEmpty)
    }
}
