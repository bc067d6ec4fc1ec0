import NIOSSL
import Synchronization
import Testing
import Webhooks

@testable import WebhookClient

private let ok: [HostileReceiver.Step] = [.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]

extension `Sending a webhook` {
    @Suite struct `Isolation` {
        @Test func `a thousand endpoints that hang, of one name and of many, delay no healthy one`() async throws {
            let hung = try await HostileReceiver { _ in [] }
            try await HostileReceiver.with(hung) { hung in
                let healthy = try await HostileReceiver { _ in ok }
                try await HostileReceiver.with(healthy) { healthy in
                    try await withClient { client in
                        try await withThrowingTaskGroup(of: SendOutcome.self) { group in
                            for number in 0..<1_000 {
                                let name = number % 2 == 0 ? "one" : "hung-\(number)"
                                let request = try message(
                                    "http://\(name).example:\(hung.port)/", deadline: .seconds(600))
                                group.addTask { await client.send(request) }
                            }
                            try await hung.wait { $0.requests.count == 1_000 }
                            // All of them are under way, and stay so until they are cancelled.
                            for name in ["healthy.example", "one.example"] {
                                let request = try message("http://\(name):\(healthy.port)/")
                                for _ in 0..<50 { #expect(await client.send(request).response?.status == 200) }
                            }
                            #expect(hung.seen.closed == 0)
                            group.cancelAll()
                            for try await outcome in group { #expect(outcome.failure == .cancelled) }
                        }
                        try await hung.wait { $0.closed == 1_000 }
                    }
                }
            }
        }

        @Test func `clients of endpoints that are not used any more go, and those in use stay`() async throws {
            var configuration = WebhookClient.Configuration()
            configuration.mostIdle = 4
            let tls = TLSConfiguration.makeClientConfiguration()
            let clients = PinnedClients(configuration, tls, StuckConnections(grace: .seconds(1))) { AddressPolicy() }
            let endpoints = try (0..<20).map { number in
                PinnedEndpoint(
                    try DeliveryURL("http://e\(number).example/", allowingHTTP: true), at: .v4(UInt32(number)))
            }
            let taken = try endpoints.map { try #require(clients.take($0)) }
            #expect(clients.count == 20)
            let start = ContinuousClock.now
            for number in 2..<20 {
                clients.giveBack(
                    taken[number], of: endpoints[number], at: start.advanced(by: .milliseconds(number)))
            }
            // Two are in use; of the others at most a quarter too many are left.
            #expect((6...7).contains(clients.count))
            #expect(clients.endpoints.contains(endpoints[0]))
            #expect(clients.endpoints.contains(endpoints[19]))
            // Long after, the next sweep leaves what is in use and what was given back just now.
            clients.giveBack(taken[0], of: endpoints[0], at: start.advanced(by: .seconds(120)))
            #expect(Set(clients.endpoints) == [endpoints[0], endpoints[1]])
            clients.giveBack(taken[1], of: endpoints[1], at: start.advanced(by: .seconds(120)))
            await clients.shutdown()
            #expect(clients.take(endpoints[0]) == nil)
        }
    }
}
