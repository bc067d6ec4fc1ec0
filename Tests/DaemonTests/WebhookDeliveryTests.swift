import Foundation
import Scheduling
import Synchronization
import TestSupport
import Testing
import Webhooks

@testable import Daemon
@testable import Storage

/// Delivering, over real sockets: each test has a database and endpoints of its own.
@Suite struct `Webhook delivery` {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    private func verdict(_ request: EndpointServer.Request, _ secrets: [String]) throws -> WebhookVerifier.Verdict {
        let verifier = WebhookVerifier(keys: try secrets.map { .secret(try WebhookSecret($0)) })
        return verifier.verdict(
            on: .init(
                id: request.headers["webhook-id"], timestamp: request.headers["webhook-timestamp"],
                signature: request.headers["webhook-signature"]),
            body: Array(request.body.utf8), at: DeliveringDaemon.now())
    }

    @Test func `an event arrives signed, byte for byte, and is written down`() async throws {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer { _ in .init(200, headers: ["Set-Cookie": "token=1"]) }
        defer { server.close() }
        try await place.add("w", url: server.url("/hook?token=secret"), secret: Self.secret)
        let payload = #"{"a" : 1.50, "ü":"\u0000"}"#
        let id = try await place.send("usage.recorded", payload)
        try await place.run { try await place.settled(1) }
        let request = try #require(server.requests.first)
        #expect(server.requests.count == 1)
        #expect(request.method == "POST" && request.path == "/hook?token=secret" && request.body == payload)
        #expect(request.id == id && request.headers["content-type"] == "application/json")
        #expect(try verdict(request, [Self.secret]) == .genuine(key: 0))
        let delivery = try #require(try await place.deliveries().first)
        #expect(delivery.state == .delivered && delivery.attempts == 1 && delivery.event == id)
        let attempt = try #require(try await place.attempts().first)
        #expect(attempt.status == 200 && attempt.reason == nil && attempt.address == "127.0.0.1")
        #expect(attempt.body == Data("ok".utf8))
        #expect(attempt.head?.contains("200") == true && attempt.head?.contains("token=1") == false)
    }

    @Test func `what fails is tried again under the same id, and given up with its reason`() async throws {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer { $0.path == "/bad" ? .init(500) : .init(200) }
        defer { server.close() }
        try await place.add("bad", url: server.url("/bad"))
        try await place.add("good", url: server.url("/good"))
        let id = try await place.send()
        try await place.run { try await place.settled(2) }
        let bad = server.requests.filter { $0.path == "/bad" }
        #expect(bad.map(\.id) == [id, id, id], "once, and twice by the schedule")
        #expect(server.requests.count { $0.path == "/good" } == 1)
        let delivery = try #require(try await place.deliveries().first { $0.endpoint == "bad" })
        #expect(delivery.state == .dead && delivery.reason == "server_error" && delivery.attempts == 3)
        #expect(try await place.attempts().filter { $0.delivery == delivery.id }.map(\.number) == [1, 2, 3])
        #expect(try await place.endpoint("bad")?.health.failedAttempts == 3)
    }

    @Test func `a new event for an endpoint that has failed goes at once, whenever its retries are due`() async throws {
        let place = try await DeliveringDaemon { $0.retries = (try? RetrySchedule("1h")) ?? .standard }
        let server = try EndpointServer { _ in .init(500) }
        defer { server.close() }
        try await place.add("w", url: server.url())
        try await place.run(longestWait: .seconds(600)) {
            for count in 1...3 {
                try await place.send()
                try await place.until("attempt \(count)") {
                    server.requests.count == count
                }
                try await place.until("its failure") { try await place.attempts().count == count }
            }
        }
    }

    @Test func `an attempt over https takes the room that its memory may need`() async throws {
        let place = try await DeliveringDaemon { $0.inFlight = 3 * AttemptWeight.overTLS + 1 }
        // They wait for the end of a request's head, and so for ever.
        let servers = try (0..<5).map { _ in try EndpointServer() }
        defer { for server in servers { server.close() } }
        for (number, server) in servers.enumerated() {
            try await place.add("w\(number)", url: "https://127.0.0.1:\(server.port)/")
        }
        try await place.send()
        let count: @Sendable () -> Int = { servers.reduce(0) { $0 + $1.connectionCount } }
        try await place.run {
            try await place.until("three attempts") { count() == 3 }
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(10))
                #expect(count() == 3)
            }
        }
    }

    @Test func `an attempt over http takes less room, once its endpoint is known`() async throws {
        let place = try await DeliveringDaemon {
            $0.inFlight = 6 * AttemptWeight.overHTTP
            $0.timeout = .seconds(120)
        }
        // As good as never: however slow the machine, no attempt is over before the last look.
        let server = try EndpointServer {
            $0.body == "1" ? .init(200) : .init(200, delay: .seconds(100), isSilent: true)
        }
        defer { server.close() }
        for number in 0..<9 { try await place.add("w\(number)", url: server.url("/\(number)")) }
        try await place.send("usage.recorded", "1")
        try await place.run {
            try await place.settled(9)
            try await place.send("usage.recorded", "2")
            try await place.until("six attempts") { server.requests.count == 9 + 6 }
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(10))
                #expect(server.requests.count == 9 + 6)
            }
        }
    }

    @Test func `410 disables an endpoint, and its owner hears of it elsewhere`() async throws {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer { $0.path == "/gone" ? .init(410) : .init(200) }
        defer { server.close() }
        try await place.add("gone", url: server.url("/gone"))
        try await place.add("other", url: server.url("/other"))
        try await place.send()
        try await place.run {
            try await place.until("the news") { server.requests.contains { $0.body.contains("\"cause\":\"gone\"") } }
            try await place.send("late.event")
            try await place.settled(5)
        }
        #expect(server.requests.count { $0.path == "/gone" } == 1)
        let ends = try await place.deliveries().filter { $0.endpoint == "gone" }.map(\.reason)
        #expect(ends == ["gone", "endpoint_gone"])
        #expect(try await place.endpoint("gone")?.health.standing != .enabled)
    }

    @Test func `redirects are failures and are not followed`() async throws {
        let place = try await DeliveringDaemon { $0.retries = (try? RetrySchedule("off")) ?? .standard }
        let other = try EndpointServer()
        defer { other.close() }
        let server = try EndpointServer { [url = other.url()] _ in .init(307, headers: ["Location": url]) }
        defer { server.close() }
        try await place.add("w", url: server.url())
        try await place.send()
        try await place.run { try await place.settled(1) }
        #expect(try await place.deliveries().map(\.reason) == ["redirect"])
        #expect(other.requests.isEmpty)
    }

    @Test func `the first message to another url with another secret is signed with that one alone`() async throws {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer { _ in .init(200) }
        defer { server.close() }
        @Sendable func secret(_ byte: UInt8) throws -> String {
            try WebhookSecret.generate(.hmacSHA256, from: Array(repeating: byte, count: 32)).serialized
        }
        try await place.add("w", url: server.url("/a"), secret: try secret(1))
        try await place.run {
            try await place.send()
            try await place.settled(1)
            let end = Instant(milliseconds: DeliveringDaemon.now().milliseconds + 3_600_000)
            #expect(
                try await place.outbox.rotateSecret("w", to: secret(2), overlapEnd: end, now: DeliveringDaemon.now()))
            try await place.send()
            try await place.settled(2)
            #expect(server.requests.last?.headers["webhook-signature"]?.split(separator: " ").count == 2)
            for (number, isEnabled) in [(3, false), (4, true)] as [(UInt8, Bool)] {
                try await place.execute(
                    "UPDATE webhooks SET url = ?, secret = ? WHERE id = 'w'",
                    [server.url("/\(number)"), try secret(number)])
                if isEnabled {
                    #expect(try await place.outbox.setStanding("w", enabled: true, now: DeliveringDaemon.now()))
                }
                for _ in 0..<5 { try await place.send() }
                try await place.settled(2 + 5 * (Int(number) - 2))
                let signatures = server.requests.filter { $0.path == "/\(number)" }.map {
                    $0.headers["webhook-signature"]?.split(separator: " ").count
                }
                #expect(signatures == [1, 1, 1, 1, 1])
                // For the next one there is a former secret again.
                if !isEnabled {
                    #expect(
                        try await place.outbox.rotateSecret(
                            "w", to: secret(9), overlapEnd: end, now: DeliveringDaemon.now()))
                }
            }
        }
    }

    @Test func `a changed url keeps the old secret from signing until it is confirmed`() async throws {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer()
        defer { server.close() }
        try await place.add("w", url: server.url("/old"), secret: Self.secret)
        try await place.send()
        try await place.run {
            try await place.settled(1)
            try await place.execute("UPDATE webhooks SET url = ? WHERE id = 'w'", [server.url("/new")])
            try await place.send()
            try await place.until("the endpoint waits") { try await place.endpoint("w")?.isURLChanged == true }
            #expect(server.requests.map(\.path) == ["/old"])
            #expect(try await place.outbox.setStanding("w", enabled: true, now: DeliveringDaemon.now()))
            try await place.until("what waited") { server.requests.map(\.path).contains("/new") }
        }
    }

    @Test func `after a rotation both secrets verify, and after the overlap only the new one`() async throws {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer()
        defer { server.close() }
        try await place.add("w", url: server.url(), secret: Self.secret)
        let new = try WebhookSecret.generate(.hmacSHA256, from: [UInt8](repeating: 7, count: 32)).serialized
        let now = DeliveringDaemon.now()
        let soon = Instant(milliseconds: now.milliseconds + 3_600_000)
        #expect(try await place.outbox.rotateSecret("w", to: new, overlapEnd: soon, now: now))
        try await place.send()
        try await place.run { try await place.settled(1) }
        let request = try #require(server.requests.first)
        #expect(request.headers["webhook-signature"]?.split(separator: " ").count == 2)
        #expect(try verdict(request, [Self.secret]) == .genuine(key: 0))
        #expect(try verdict(request, [new]) == .genuine(key: 0))
        #expect(try await place.outbox.rotateSecret("w", to: new, overlapEnd: now, now: now))
        try await place.execute("UPDATE webhook_endpoints SET former_secrets = '[]'")
        try await place.send()
        try await place.run { try await place.settled(2) }
        #expect(server.requests.last?.headers["webhook-signature"]?.contains(" ") == false)
    }

    @Test func `CloudEvents go only to who agrees, in their envelope`() async throws {
        let place = try await DeliveringDaemon { $0.origin = "gateway.example.com" }
        let server = try EndpointServer { request in
            guard request.method == "OPTIONS" else { return .init(200) }
            return request.path == "/no"
                ? .init(200) : .init(200, headers: ["WebHook-Allowed-Origin": "gateway.example.com"])
        }
        defer { server.close() }
        var wishes = Outbox.Wishes()
        wishes.format = .cloudEvents
        for name in ["yes", "no"] {
            try await place.add(name, url: server.url("/\(name)"), secret: Self.secret)
            #expect(try await place.outbox.setWishes(wishes, of: name))
        }
        let id = try await place.send("usage.recorded", #"{"n":1}"#)
        try await place.run { try await place.settled(2) }
        let yes = server.requests.filter { $0.path == "/yes" }
        #expect(yes.map(\.method) == ["OPTIONS", "POST"])
        let message = try #require(yes.last)
        #expect(message.headers["content-type"] == CloudEvent.contentType)
        #expect(message.headers["webhook-request-origin"] == "gateway.example.com")
        #expect(message.body.contains("\"id\":\"\(id)\"") && message.body.contains(#""data":{"n":1}"#))
        #expect(try verdict(message, [Self.secret]) == .genuine(key: 0))
        #expect(server.requests.filter { $0.path == "/no" }.allSatisfy { $0.method == "OPTIONS" })
        #expect(try await place.deliveries().first { $0.endpoint == "no" }?.reason == "consent_refused")
    }

    @Test func `responses that wait to be written take room, and give it back`() async throws {
        let place = try await DeliveringDaemon { $0.inFlight = 1 }
        let headers = (0..<8).map { ("X-Long-\($0)", String(repeating: "x", count: 1_900)) }
        let server = try EndpointServer { request in
            .init(request.path == "/bad" ? 500 : 200, headers: Dictionary(uniqueKeysWithValues: headers))
        }
        defer { server.close() }
        try await place.add("good", url: server.url("/good"))
        try await place.add("bad", url: server.url("/bad"))
        for _ in 0..<30 { try await place.send() }
        let count: @Sendable (String) -> Int = { path in server.requests.count { $0.path == path } }
        // Nothing but what was written wakes it.
        try await place.run(longestWait: .seconds(600)) {
            try await place.until("all that is healthy") { count("/good") == 30 }
            // As many as come before its breaker opens.
            try await place.until("what fails") { count("/bad") >= 5 }
        }
    }

    @Test func `endpoints that hang keep nobody else waiting`() async throws {
        let place = try await DeliveringDaemon {
            $0.inFlight = 64 * AttemptWeight.overTLS
            $0.timeout = .seconds(30)
        }
        let hung = try EndpointServer { _ in .init(200, delay: .seconds(25), isSilent: true) }
        defer { hung.close() }
        let server = try EndpointServer()
        defer { server.close() }
        for number in 0..<40 { try await place.add("h\(number)", user: "bob", url: hung.url("/\(number)")) }
        try await place.add("w", url: server.url())
        for _ in 0..<5 { try await place.send(user: "bob") }
        try await place.run {
            try await place.until("all of them hang") { hung.requests.count == 40 }
            for _ in 0..<50 { try await place.send() }
            try await place.until("all that is healthy") { server.requests.count == 50 }
            #expect(hung.requests.count == 40, "one each")
        }
    }

    @Test func `a stop leaves nothing claimed, and the next start sends what is left`() async throws {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer { _ in .init(200, delay: .milliseconds(20)) }
        defer { server.close() }
        try await place.add("w", url: server.url())
        for _ in 0..<100 { try await place.send() }
        try await place.run { try await place.until("some") { server.requests.count > 3 } }
        let left = try await place.deliveries().count { $0.state != .delivered }
        #expect(left > 0)
        #expect(try await place.deliveries().allSatisfy { $0.state != .claimed })
        try await place.run { try await place.settled(100) }
        #expect(try await place.deliveries().allSatisfy { $0.state == .delivered })
        let copies = Dictionary(grouping: server.requests, by: \.id).mapValues(\.count)
        #expect(copies.count == 100)
        // At most what was under way as it stopped.
        #expect(server.requests.count - 100 <= 8)
    }

    @Test func `secrets, userinfo and queries reach no row`() async throws {
        let place = try await DeliveringDaemon { $0.retries = (try? RetrySchedule("off")) ?? .standard }
        let server = try EndpointServer { _ in .init(500) }
        defer { server.close() }
        try await place.add("w1", url: server.url("/?token=hidden-token"), secret: Self.secret)
        try await place.add("w2", url: "http://user:hidden-password@127.0.0.1/", secret: Self.secret)
        try await place.add("w3", url: "http://nowhere.invalid/?token=hidden-token", secret: "whsec_hidden-secret")
        try await place.send()
        try await place.run { try await place.settled(3) }
        let deliveries = try await place.deliveries()
        #expect(deliveries.first { $0.endpoint == "w2" }?.reason == "url_has_userinfo")
        #expect(deliveries.first { $0.endpoint == "w3" }?.reason == "secret_not_base64")
        for attempt in try await place.attempts() {
            let text = "\(attempt)"
            #expect(!text.contains("hidden") && !text.contains(Self.secret))
        }
    }

    /// Nobody else may tell it: the loop that writes is the first to see that another daemon has taken over.
    @Test(.timeLimit(.minutes(2))) func `a lease that is lost ends it by itself, with what is under way`() async throws
    {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer { _ in .init(200, delay: .seconds(600)) }
        defer { server.close() }
        try await place.add("w", url: server.url())
        let service = try place.service(
            term: try await Term.take(place.store, holder: "one", now: DeliveringDaemon.now()))
        let lost = try await #require(throws: StorageError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                try await place.send()
                try await place.until("its attempt") { server.requests.count == 1 }
                _ = try await Term.take(place.store, holder: "another", now: DeliveringDaemon.now())
                try await place.send()
                try await group.next()
            }
        }
        #expect(lost.kind == .leaseLost)
    }

}
