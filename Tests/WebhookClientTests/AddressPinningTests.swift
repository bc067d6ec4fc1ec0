import Synchronization
import Testing
import Webhooks

@testable import WebhookClient

private let ok: [HostileReceiver.Step] = [.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]

/// Reaches no receiver: what these refuse must not even be connected to.
private func failure(
    _ url: String, resolver: FakeResolver, policy: @escaping @Sendable () -> AddressPolicy = { AddressPolicy() }
) async throws -> SendFailure? {
    try await withClient(resolver: resolver, policy: policy) { client in
        await client.send(try message(url)).failure
    }
}

extension `Sending a webhook` {
    @Suite struct `Addresses that are delivered to` {
        @Test(arguments: [
            "127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "::1", "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0",
        ])
        func `a name that leads to a private address, by whatever CNAME, is refused`(_ address: String) async throws {
            let failure = try await failure(
                "http://public.example/", resolver: FakeResolver { _, _ in .addresses([address]) })
            guard case .addressRefused(let refusal) = failure else {
                Issue.record("\(address): \(String(describing: failure))")
                return
            }
            #expect(refusal.address == IPAddress(address))
            #expect(failure?.name == "address_refused")
        }

        @Test func `public and private addresses in one answer are refused, in either order`() async throws {
            for answer in [["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"]] {
                let failure = try await failure(
                    "http://mixed.example/", resolver: FakeResolver { _, _ in .addresses(answer) })
                #expect(failure?.name == "address_refused")
            }
        }

        @Test func `a name without an address is refused`() async throws {
            let failure = try await failure("http://empty.example/", resolver: FakeResolver { _, _ in .addresses([]) })
            guard case .addressRefused(let refusal) = failure else { throw Unexpected() }
            #expect(refusal.reason == .noAddress)
        }

        @Test(arguments: [
            "http://127.0.0.1:9/", "http://[::1]:9/", "http://0x7f.1:9/", "http://2130706433:9/",
            "http://017700000001:9/",
        ])
        func `an address in the url is judged as it is, and no resolver is asked`(_ url: String) async throws {
            let resolver = FakeResolver.loopback
            #expect(try await failure(url, resolver: resolver)?.name == "address_refused")
            #expect(resolver.asked.isEmpty)
        }

        @Test func `a denied name is refused before it is resolved`() async throws {
            let resolver = FakeResolver.loopback
            var policy = loopbackPolicy()
            policy.denied = try AddressList("*.denied.example")
            let failure = try await failure(
                "http://a.denied.example/", resolver: resolver, policy: { [policy] in policy })
            #expect(failure?.name == "address_refused")
            #expect(resolver.asked.isEmpty)
        }

        @Test func `a name that turns private between two messages is refused, whatever connection is still open`()
            async throws
        {
            let receiver = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(receiver) { receiver in
                var configuration = WebhookClient.Configuration()
                configuration.resolvedFor = .zero
                // 127.0.0.1 stands for the public address; 127.0.0.2 for the private one.
                let resolver = FakeResolver { _, count in .addresses([count == 0 ? "127.0.0.1" : "127.0.0.2"]) }
                var policy = AddressPolicy()
                policy.allowed.blocks = [CIDR(of: .v4(0x7F00_0001), prefix: 32)]
                try await withClient(configuration, resolver: resolver, policy: { [policy] in policy }) { client in
                    let request = try message("http://rebinding.example:\(receiver.port)/")
                    #expect(await client.send(request).response?.status == 200)
                    #expect(await client.send(request).failure?.name == "address_refused")
                }
                #expect(receiver.seen.requests.count == 1)
            }
        }

        @Test
        func `the address that was judged is the one that is connected to, though the name's answer changes at once`()
            async throws
        {
            let judged = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(judged) { judged in
                let other = try await HostileReceiver(address: "127.0.0.2", port: judged.port) { _ in ok }
                try await HostileReceiver.with(other) { other in
                    let resolver = FakeResolver { _, count in .addresses([count == 0 ? "127.0.0.1" : "127.0.0.2"]) }
                    try await withClient(resolver: resolver) { client in
                        let request = try message("http://rebinding.example:\(judged.port)/")
                        let response = await client.send(request).response
                        #expect(response?.address == IPAddress("127.0.0.1"))
                    }
                    #expect(judged.seen.requests.count == 1)
                    #expect(other.seen.accepted == 0)
                    #expect(resolver.asked == ["rebinding.example": 1])
                }
            }
        }

        @Test func `a connection of before is not used once its name has another address`() async throws {
            let first = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(first) { first in
                let second = try await HostileReceiver(address: "127.0.0.2", port: first.port) { _ in ok }
                try await HostileReceiver.with(second) { second in
                    var configuration = WebhookClient.Configuration()
                    configuration.resolvedFor = .zero
                    let resolver = FakeResolver { _, count in .addresses([count < 2 ? "127.0.0.1" : "127.0.0.2"]) }
                    try await withClient(configuration, resolver: resolver) { client in
                        let request = try message("http://moving.example:\(first.port)/")
                        for address in ["127.0.0.1", "127.0.0.1", "127.0.0.2"] {
                            #expect(await client.send(request).response?.address == IPAddress(address))
                        }
                    }
                    #expect(first.seen.requests.count == 2)
                    #expect(second.seen.requests.count == 1)
                }
            }
        }

        @Test func `a policy that changed while the connection was made stops it before a byte of the request`()
            async throws
        {
            let receiver = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(receiver) { receiver in
                let asked = Mutex(0)
                // Admits when the addresses of the name are judged, and refuses when the live connection is.
                let policy: @Sendable () -> AddressPolicy = {
                    let count = asked.withLock { count in
                        count += 1
                        return count
                    }
                    return count == 1 ? loopbackPolicy() : AddressPolicy()
                }
                try await withClient(policy: policy) { client in
                    let outcome = await client.send(try message("http://receiver.example:\(receiver.port)/"))
                    #expect(outcome.failure?.name == "address_refused")
                    try await receiver.wait { $0.closed == 1 }
                }
                #expect(receiver.seen.accepted == 1)
                #expect(receiver.seen.requests.isEmpty)
            }
        }

        @Test func `where one address takes no connection, the next of the name is tried`() async throws {
            let receiver = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(receiver) { receiver in
                let resolver = FakeResolver { _, _ in .addresses(["127.0.0.3", "127.0.0.1"]) }
                try await withClient(resolver: resolver) { client in
                    let outcome = await client.send(try message("http://two.example:\(receiver.port)/"))
                    #expect(outcome.response?.address == IPAddress("127.0.0.1"))
                }
            }
        }

        @Test(arguments: [
            "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "https://receiver.example/other",
            "//[::1]/",
            "/",
        ])
        func `a redirect is an answer and not followed`(_ location: String) async throws {
            for status in [301, 302, 303, 307, 308] {
                let (outcome, seen) = try await outcome(
                    of: .send("HTTP/1.1 \(status) Moved\r\nlocation: \(location)\r\ncontent-length: 0\r\n\r\n"))
                #expect(outcome.response?.status == status)
                #expect(seen.requests.count == 1)
            }
        }
    }
}

struct Unexpected: Error {}
