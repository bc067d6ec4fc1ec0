import Foundation
import Synchronization
import TestSupport
import Testing

@testable import WebhookClient

extension `Sending a webhook` {
    /// Receivers that answer at random, of the right things at the wrong time and of anything at all. What the client does not expect of one ends the process,
    /// and so this test. TALLYD_TEST_RECEIVERS is how many there are of each protocol.
    @Suite struct `A receiver at random` {
        private static let count: Int = {
            let environment = ProcessInfo.processInfo.environment
            return environment["TALLYD_TEST_RECEIVERS"].flatMap { Int($0) }
                ?? (environment["TALLYD_TEST_LONG"] == "1" ? 600 : 24)
        }()
        private static let atOnce = 6

        @Test func `over HTTP/1.1 ends nothing but its connections`() async throws {
            try await run { random in
                let receiver = RandomHTTP1(random)
                return try await HostileReceiver(
                    framing: random.chance(90) ? HostileReceiver.http1 : HostileReceiver.http1Heads,
                    greeting: random.chance(10) ? receiver.answer() : []
                ) { _ in receiver.answer() }
            } send: { client, port in
                await client.send(
                    try message("http://receiver.example:\(port)/", body: "b", deadline: .milliseconds(700)))
            }
        }

        @Test func `over HTTP/2 ends nothing but its connections`() async throws {
            let certificates = try await Certificates()
            let context = try await certificates.issue("DNS:receiver.example").server(protocols: ["h2"])
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = certificates.authority.certificate
            configuration.connectTimeout = .milliseconds(700)
            try await run(configuration) { random in
                let receiver = RandomHTTP2(random)
                return try await HostileReceiver(
                    tls: context, framing: random.chance(90) ? HostileReceiver.http2 : HostileReceiver.http2Heads,
                    greeting: receiver.greeting()
                ) { _ in receiver.answer() }
            } send: { client, port in
                await client.send(
                    try message("https://receiver.example:\(port)/", body: "b", deadline: .milliseconds(700)))
            }
        }

        /// What a client makes of the one depends on what it holds of the other.
        @Test func `over either, from connection to connection, ends nothing but its connections`() async throws {
            let certificates = try await Certificates()
            let pair = try await certificates.issue("DNS:receiver.example")
            let http1 = try pair.server(protocols: ["http/1.1"])
            let http2 = try pair.server(protocols: ["h2"])
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = certificates.authority.certificate
            configuration.connectTimeout = .milliseconds(700)
            try await run(configuration) { random in
                let (first, second) = (RandomHTTP1(random), RandomHTTP2(random))
                let percent = random.pick(20...80)
                return try await HostileReceiver {
                    random.chance(percent)
                        ? HostileReceiver.Manners(tls: http1) { _ in first.answer() }
                        : HostileReceiver.Manners(
                            tls: http2, framing: HostileReceiver.http2, greeting: second.greeting()
                        ) { _ in second.answer() }
                }
            } send: { client, port in
                await client.send(
                    try message("https://receiver.example:\(port)/", body: "b", deadline: .milliseconds(700)))
            }
        }

        /// A dozen messages at once to each receiver, twice, so that some go by connections of before. Connections are let go soon, and at times all of
        /// them while messages are under way.
        private func run(
            _ configuration: WebhookClient.Configuration = WebhookClient.Configuration(),
            receiver: @escaping @Sendable (SharedRandom) async throws -> HostileReceiver,
            send: @escaping @Sendable (WebhookClient, Int) async throws -> SendOutcome
        ) async throws {
            var seeds = SplitMix64(for: "random receivers")
            var configuration = configuration
            configuration.idleTimeout = .milliseconds(200)
            configuration.mostIdle = 2
            for _ in 0..<max(1, Self.count / Self.atOnce) {
                let some = (0..<Self.atOnce).map { _ in UInt64.random(in: .min ... .max, using: &seeds) }
                let isCutShort = Int.random(in: 1...3, using: &seeds) == 1
                try await withClient(configuration) { client in
                    try await withThrowingTaskGroup { group in
                        for seed in some {
                            group.addTask {
                                try await deliver(from: client, seed: seed, receiver: receiver, send: send)
                            }
                        }
                        if isCutShort {
                            try await Task.sleep(for: .milliseconds(300))
                            await client.shutdown()
                        }
                        try await group.waitForAll()
                    }
                }
            }
        }

        private func deliver(
            from client: WebhookClient, seed: UInt64,
            receiver: @Sendable (SharedRandom) async throws -> HostileReceiver,
            send: @escaping @Sendable (WebhookClient, Int) async throws -> SendOutcome
        ) async throws {
            try await HostileReceiver.with(try await receiver(SharedRandom(seed))) { receiver in
                for _ in 0..<2 {
                    try await withThrowingTaskGroup { messages in
                        for _ in 0..<12 { messages.addTask { _ = try await send(client, receiver.port) } }
                        try await messages.waitForAll()
                    }
                }
            }
        }
    }
}

/// One generator for the connections of a receiver.
private final class SharedRandom: Sendable {
    private let generator: Mutex<SplitMix64>

    init(_ seed: UInt64) { generator = Mutex(SplitMix64(seed: seed)) }

    func pick(_ range: ClosedRange<Int>) -> Int { generator.withLock { Int.random(in: range, using: &$0) } }
    func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }
    func one<T>(of values: [T]) -> T { values[pick(0...values.count - 1)] }
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(pick(0...255)) } }

    /// In up to three pieces, and at times with the connection's end.
    func steps(_ bytes: [UInt8]) -> [HostileReceiver.Step] {
        let first = pick(0...bytes.count)
        let pieces = chance(30) ? [Array(bytes[..<first]), Array(bytes[first...])] : [bytes]
        let end: [HostileReceiver.Step] = chance(15) ? [one(of: [.close, .reset])] : []
        return pieces.map { .send($0) } + end
    }
}

private struct RandomHTTP1: Sendable {
    private let random: SharedRandom

    init(_ random: SharedRandom) { self.random = random }

    private static let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    private static let answers = [
        ok, ok, ok + ok, "", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n" + ok,
        "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n" + ok, "HTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\nhello", "HTTP/1.1 304 No\r\n\r\n" + ok,
        "HTTP/1.1 200 OK\r\n\r\nto the end", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" + ok,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + ok,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\na: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n", "\r\n", "\r\n\r\n" + ok,
    ]

    func answer() -> [HostileReceiver.Step] {
        var bytes = random.chance(3) ? random.bytes(200) : Array(random.one(of: Self.answers).utf8)
        if random.chance(10) { bytes = Array(bytes.prefix(random.pick(0...bytes.count))) }
        if random.chance(10) { bytes = bytes.map { random.chance(3) ? UInt8(random.pick(0...255)) : $0 } }
        return random.steps(bytes)
    }
}

private struct RandomHTTP2: Sendable {
    private let random: SharedRandom

    init(_ random: SharedRandom) { self.random = random }

    func greeting() -> [HostileReceiver.Step] {
        guard random.chance(20) else { return [.send(Frame.settings)] }
        return random.steps(
            random.one(of: [
                [], random.bytes(50), Frame.noWindow, Frame.settings + Frame.goAway(last: 0, code: 0),
                Frame.settings + Frame.settings, setting(),
            ]))
    }

    /// One to three frames, of the streams that there are likely to be.
    func answer() -> [HostileReceiver.Step] {
        var bytes = (0..<random.pick(1...3)).flatMap { _ in frames(UInt32(2 * random.pick(0...8) + 1)) }
        if random.chance(5) { bytes = bytes.map { random.chance(3) ? UInt8(random.pick(0...255)) : $0 } }
        return random.steps(bytes)
    }

    /// A head whose fields are compressed in no way that is sure to be one, in one frame or in several.
    private func oddHead(_ stream: UInt32) -> [UInt8] {
        let field: [UInt8] = random.one(of: [
            // New sizes of the table, indices with many bytes, strings longer than the frame, and fields that are added to the table or taken from it.
            [0x20 | UInt8(random.pick(0...31))], [0x7F] + [UInt8](repeating: 0xFF, count: random.pick(0...11)),
            [0x40, 0x01, 0x61, 0xFF], [0x00, 0x85] + random.bytes(5), [0x40, 0x01, 0x61, 0x01, 0x62],
            [0x80 | UInt8(random.pick(62...126))], [],
        ])
        let block = [0x88] + field + random.bytes(random.chance(50) ? 0 : random.pick(1...20))
        guard random.chance(20) else { return Frame.frame(1, flags: 5, stream: stream, block) }
        let rest = (0..<random.pick(0...200)).flatMap { _ in Frame.frame(9, flags: 0, stream: stream, []) }
        return Frame.frame(1, flags: 1, stream: stream, block) + rest + Frame.frame(9, flags: 4, stream: stream, [])
    }

    private func setting() -> [UInt8] {
        let value = random.one(of: [0, 1, 100, 16_384, 65_535, 1 << 24, Int(Int32.max), Int(UInt32.max)])
        return Frame.frame(4, flags: 0, stream: 0, [0, UInt8(random.pick(0...8))] + Frame.bytes(UInt32(value)))
    }

    private func frames(_ stream: UInt32) -> [UInt8] {
        let status = random.one(of: [200, 200, 200, 100, 101, 103, 204, 304, 500])
        let head = Frame.status(status, stream: stream)
        return random.one(of: [
            Frame.status(status, stream: stream, isLast: true), Frame.status(200, stream: stream, isLast: true),
            head + Frame.data("ok", stream: stream), head, head + head, head + Frame.status(200, stream: stream),
            Frame.data("ok", stream: stream), Frame.data("ok", stream: stream, isLast: false),
            head + Frame.data("", stream: stream, isLast: false) + Frame.status(200, stream: stream, isLast: true),
            Frame.reset(stream: stream, code: UInt32(random.pick(0...14))),
            head + Frame.reset(stream: stream, code: UInt32(random.pick(0...14))),
            Frame.goAway(last: UInt32(random.pick(0...20)), code: UInt32(random.pick(0...14))),
            Frame.goAway(last: UInt32(Int32.max), code: 0),
            Frame.windowUpdate(stream: random.one(of: [0, stream]), by: random.one(of: [0, 1, 1 << 20, 1 << 31])),
            Frame.ping, Frame.settings, setting(), oddHead(stream), Frame.frame(9, flags: 4, stream: stream, [0x88]),
            Frame.frame(1, flags: 0, stream: stream, [0x88]),
            Frame.frame(5, flags: 4, stream: stream, [0, 0, 0, 2, 0x88]), Frame.promise(2, stream: stream),
            Frame.promise(2, stream: stream) + Frame.status(200, stream: 2, isLast: random.chance(50)),
            Frame.promise(4, stream: stream) + Frame.reset(stream: 4, code: 0),
            Frame.head(random.one(of: ["", "-1", "0", "99999", "abc"]), stream: stream),
            Frame.data(String(repeating: "x", count: 20_000), stream: stream), random.bytes(30),
            Frame.frame(
                UInt8(random.pick(0...14)), flags: UInt8(random.pick(0...255)),
                stream: random.one(of: [0, stream, 2]), random.bytes(random.pick(0...40))),
        ])
    }
}
