import Foundation
import Scheduling
import Synchronization
import TestSupport
import Testing
import Webhooks

@testable import Daemon
@testable import Storage

/// Endpoints that have one message at a time, in the order of the events.
@Suite struct OrderedDeliveryTests {
    @Test func `an ordered endpoint has its events in order, whatever fails between`() async throws {
        let place = try await DeliveringDaemon {
            $0.retries = (try? RetrySchedule("100ms 100ms 100ms 100ms")) ?? .standard
        }
        let failures = Mutex(0)
        let server = try EndpointServer { request in
            // Each third request fails.
            failures.withLock { count in
                count += 1
                return count % 3 == 0 ? .init(503, headers: ["Retry-After": "0"]) : .init(200)
            }
        }
        defer { server.close() }
        try await place.add("w", url: server.url())
        try await place.keepOrder(true, of: "w")
        for number in 0..<20 { try await place.send("usage.recorded", "\(number)") }
        try await place.run { try await place.settled(20) }
        var seen: [String] = []
        for request in server.requests where seen.last != request.body { seen.append(request.body) }
        #expect(seen == (0..<20).map(String.init))
        #expect(server.requests.count > 20)
    }

    @Test func `an ordered endpoint stays so while commands are about others, and becomes so at once`() async throws {
        let place = try await DeliveringDaemon()
        /// Requests under way, and the most that there were; while it is closed none ends.
        let gate = Mutex((current: 0, most: 0, isClosed: false, answers: 0))
        let server = try EndpointServer { request in
            guard request.path == "/w" else { return .init(200) }
            gate.withLock { gate in
                gate.current += 1
                gate.most = max(gate.most, gate.current)
            }
            for _ in 0..<20_000 {
                usleep(1_000)
                if gate.withLock({ !$0.isClosed }) { break }
            }
            // Of the first ones some fail: what failed stays in front, whatever commands come meanwhile.
            let isFailure = gate.withLock { gate in
                gate.current -= 1
                gate.answers += 1
                return gate.answers < 200 && gate.answers % 7 == 0
            }
            return .init(isFailure ? 500 : 200)
        }
        defer { server.close() }
        try await place.add("w", url: server.url("/w"))
        try await place.add("x", url: server.url("/x"))
        try await place.keepOrder(true, of: "w")
        for number in 0..<200 { try await place.send("usage.recorded", "\(number)") }
        try await place.run {
            for number in 1...10 {
                try await place.until("some") { server.requests.count { $0.path == "/w" } > number * 15 }
                switch number % 3 {
                case 0: try await place.keepOrder(false, of: "x")
                case 1: #expect(try await place.outbox.setStanding("x", enabled: true, now: DeliveringDaemon.now()))
                default: try await place.send("nobodys", "{}", user: "nobody")
                }
            }
            try await place.settled(400)
            var seen: [String] = []
            for request in server.requests where request.path == "/w" && seen.last != request.body {
                seen.append(request.body)
            }
            #expect(seen == (0..<200).map(String.init))
            #expect(gate.withLock { $0.most } == 1)
            // Several are under way at once as it comes to keep its order.
            try await place.keepOrder(false, of: "w")
            gate.withLock { $0.isClosed = true }
            for number in 200..<260 { try await place.send("usage.recorded", "\(number)") }
            try await place.until("several at once") { gate.withLock { $0.current } > 4 }
            try await place.keepOrder(true, of: "w")
            // By then the daemon has heard of it.
            let before = server.requests.count { $0.path == "/w" }
            let others = server.requests.count { $0.path == "/x" }
            try await place.send("another", "{}")
            try await place.until("another one's") { server.requests.count { $0.path == "/x" } > others }
            gate.withLock { $0.isClosed = false }
            // The first of those that came after what was under way.
            try await place.until("their end") { server.requests.count { $0.path == "/w" } > before }
            gate.withLock { $0.most = 0 }
            try await place.settled(522)
            #expect(gate.withLock { $0.most } == 1)
            let rest = server.requests.filter { $0.path == "/w" }.dropFirst(before).compactMap { Int($0.body) }
            #expect(rest == rest.sorted())
        }
    }

    private func queueThree(_ place: DeliveringDaemon, _ server: EndpointServer) async throws {
        try await place.add("w", url: server.url())
        try await place.keepOrder(true, of: "w")
        for number in 0..<3 { try await place.send("usage.recorded", "\(number)") }
    }

    @Test func `what waits behind a failure goes at once where no order is asked for any more`() async throws {
        let place = try await DeliveringDaemon { $0.retries = (try? RetrySchedule("1h")) ?? .standard }
        let server = try EndpointServer { .init($0.body == "0" ? 500 : 200) }
        defer { server.close() }
        try await queueThree(place, server)
        try await place.run {
            try await place.until("the wait") { try await place.endpoint("w")?.waitsUntil != nil }
            try await place.keepOrder(false, of: "w")
            try await place.settled(2)
        }
        #expect(Set(server.requests.map(\.body)) == ["0", "1", "2"])
    }

    @Test func `what an ordered endpoint waits for outlives its process, and is seen`() async throws {
        let place = try await DeliveringDaemon { $0.retries = (try? RetrySchedule("1h")) ?? .standard }
        let isWell = Mutex(false)
        let server = try EndpointServer { _ in .init(isWell.withLock { $0 } ? 200 : 500) }
        defer { server.close() }
        try await queueThree(place, server)
        try await place.run {
            try await place.until("the wait") { try await place.endpoint("w")?.waitsUntil != nil }
            let first = try #require(try await place.deliveries().first)
            #expect(first.state == .claimed && first.nextAttempt ?? .init(milliseconds: 0) > DeliveringDaemon.now())
        }
        #expect(server.requests.count == 1)
        let wait = try #require(try await place.endpoint("w")?.waitsUntil)
        #expect(wait.milliseconds - DeliveringDaemon.now().milliseconds > 40 * 60_000)
        try await place.run {
            try await place.until("its turn") { try await place.deliveries().contains { $0.state == .claimed } }
            // Nothing tells that nothing is sent but that it isn't.
            try await Task.sleep(for: .milliseconds(300))
            #expect(server.requests.count == 1)
            #expect(try await place.endpoint("w")?.waitsUntil == wait)
            isWell.withLock { $0 = true }
            #expect(try await place.outbox.setStanding("w", enabled: true, now: DeliveringDaemon.now()))
            try await place.settled(3)
        }
        #expect(server.requests.map(\.body) == ["0", "0", "1", "2"])
        #expect(try await place.endpoint("w")?.waitsUntil == nil)
    }
}
