import Synchronization
import Testing
import Webhooks

@testable import WebhookClient

extension `Sending a webhook` {
    @Suite struct `HTTP/2` {
        /// Sends messages one after the other to a server of raw frames.
        private func outcomes(
            _ count: Int = 1, deadline: Duration = .seconds(20),
            greeting: [HostileReceiver.Step] = [.send(Frame.settings)],
            framing: @escaping HostileReceiver.Framing = HostileReceiver.http2,
            thenUntil condition: (@Sendable (HostileReceiver.Seen) -> Bool)? = nil,
            answer: @escaping @Sendable (Int) -> [HostileReceiver.Step]
        ) async throws -> ([SendOutcome], HostileReceiver.Seen) {
            let certificates = try await Certificates()
            let context = try await certificates.issue("DNS:receiver.example").server(protocols: ["h2"])
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = certificates.authority.certificate
            let receiver = try await HostileReceiver(
                tls: context, framing: framing, greeting: greeting, answer: answer)
            return try await HostileReceiver.with(receiver) { receiver in
                try await withClient(configuration) { client in
                    var outcomes: [SendOutcome] = []
                    for _ in 0..<count {
                        let url = "https://receiver.example:\(receiver.port)/"
                        outcomes.append(await client.send(try message(url, deadline: deadline)))
                    }
                    if let condition { try await receiver.wait(until: condition) }
                    return (outcomes, receiver.seen)
                }
            }
        }

        @Test func `messages share one connection`() async throws {
            let (outcomes, seen) = try await outcomes(3) { number in
                let stream = UInt32(number * 2 + 1)
                return [.send(Frame.status(200, stream: stream)), .send(Frame.data("ok \(number)", stream: stream))]
            }
            #expect(outcomes.map { $0.response?.body } == (0..<3).map { Array("ok \($0)".utf8) })
            #expect(outcomes.allSatisfy { $0.response?.version == "HTTP/2" })
            #expect(seen.accepted == 1)
        }

        @Test func `a GOAWAY that leaves the message behind fails it, and the next one takes another connection`()
            async throws
        {
            let (outcomes, seen) = try await outcomes(2) { number in
                number == 0
                    ? [.send(Frame.goAway(last: 0, code: 0)), .close]
                    : [.send(Frame.status(204, stream: 1, isLast: true))]
            }
            let failure = try #require(outcomes[0].failure)
            #expect([.http2Failed, .closedEarly(status: nil)].contains(failure), "\(failure.name)")
            #expect(outcomes[1].response?.status == 204)
            #expect(seen.accepted == 2)
        }

        @Test func `a GOAWAY after the message lets its response come`() async throws {
            let (outcomes, seen) = try await outcomes(2) { number in
                [.send(Frame.goAway(last: 1, code: 0)), .send(Frame.status(204, stream: 1, isLast: true))]
            }
            #expect(outcomes.map { $0.response?.status } == [204, 204])
            #expect(seen.accepted == 2)
        }

        @Test func `a stream that is reset fails its message alone`() async throws {
            let (outcomes, seen) = try await outcomes(2) { number in
                number == 0
                    ? [.send(Frame.reset(stream: 1, code: 2))] : [.send(Frame.status(204, stream: 3, isLast: true))]
            }
            #expect(outcomes[0].failure == .http2Failed)
            #expect(outcomes[1].response?.status == 204)
            #expect(seen.accepted == 1)
        }

        @Test func `a body that does not end is cut`() async throws {
            let piece = Frame.data(String(repeating: "x", count: 0x2000), stream: 1, isLast: false)
            // Within the stream's window, as a peer that keeps the rules must.
            let pieces = Array(repeating: piece, count: WebhookResponse.mostRead / 0x2000 + 1)
            let (outcomes, _) = try await outcomes { _ in
                [.send(Frame.status(200, stream: 1))] + pieces.map { .send($0) }
            }
            let response = try #require(outcomes[0].response)
            #expect(response.status == 200)
            #expect(response.body.count == WebhookResponse.longestBody)
            #expect(response.isBodyCut)
        }

        @Test func `a peer that pours out a body without regard to windows loses the connection`() async throws {
            let (outcomes, _) = try await outcomes(thenUntil: { $0.closed == 1 }) { _ in
                [
                    .send(Frame.status(200, stream: 1)),
                    .flood(Frame.data(String(repeating: "x", count: 0x2000), stream: 1, isLast: false)),
                ]
            }
            // Either the body was cut first, or the connection was closed while who reads it waited for a processor.
            switch outcomes[0].result {
            case .success(let response): #expect(response.status == 200 && response.isBodyCut)
            case .failure(let failure):
                let expected: [SendFailure] = [.http2Failed, .closedEarly(status: 200), .responseMalformed]
                #expect(expected.contains(failure), "\(failure.name)")
            }
        }

        @Test func `endless interim responses are too large a head`() async throws {
            let (outcomes, _) = try await outcomes { _ in [.flood(Frame.status(103, stream: 1))] }
            #expect(outcomes[0].failure == .headTooLarge)
        }

        @Test(arguments: ["a header block without end", "PING", "SETTINGS", "frames that are none"])
        func `a flood of what is no response ends the connection`(_ kind: String) async throws {
            let flood: [UInt8] =
                switch kind {
                case "PING": Frame.ping
                case "SETTINGS": Frame.settings
                case "frames that are none": Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
                // CONTINUATION, each with a field that is not indexed.
                default:
                    Frame.frame(
                        9, flags: 0, stream: 1, [0x00, 1, 0x61, 0x7F, 0x81, 0x01] + Array(repeating: 0x62, count: 256))
                }
            let begin = kind.hasPrefix("a header") ? Frame.frame(1, flags: 0, stream: 1, [0x88]) : []
            let (outcomes, _) = try await outcomes { _ in [.send(begin), .flood(flood)] }
            let failure = try #require(outcomes[0].failure)
            #expect([.http2Failed, .closedEarly(status: nil)].contains(failure), "\(failure.name)")
        }

        /// What comes after a response that is whole while nothing of the message's body may go yet.
        @Test(arguments: ["nothing", "a reset without error", "a reset", "the connection's end", "room for the body"])
        func `a response before the message is sent counts, whatever comes next`(_ next: String) async throws {
            let steps: [HostileReceiver.Step] =
                switch next {
                case "a reset without error": [.send(Frame.reset(stream: 1, code: 0))]
                case "a reset": [.send(Frame.reset(stream: 1, code: 8))]
                case "the connection's end": [.close]
                case "room for the body": [.send(Frame.windowUpdate(stream: 1, by: 1 << 20))]
                default: []
                }
            let (outcomes, _) = try await outcomes(
                greeting: [.send(Frame.noWindow)], framing: HostileReceiver.http2Heads
            ) { _ in [.send(Frame.status(200, stream: 1) + Frame.data("why", stream: 1))] + steps }
            #expect(outcomes[0].response?.status == 200, "\(outcomes[0])")
            #expect(outcomes[0].response?.body == Array("why".utf8))
        }

        @Test(arguments: [(200, 200), (200, 103), (101, 200)])
        func `a second head, where the first one was final, is no response`(_ first: Int, _ second: Int) async throws {
            let (outcomes, _) = try await outcomes { _ in
                [.send(Frame.status(first, stream: 1) + Frame.status(second, stream: 1) + Frame.data("x", stream: 1))]
            }
            let failure = try #require(outcomes[0].failure)
            #expect([.http2Failed, .responseMalformed].contains(failure), "\(failure.name)")
        }

        @Test(arguments: ["", "-1", "abc", "99", "2000", "+20"])
        func `a status that is none is no response`(_ status: String) async throws {
            let (outcomes, _) = try await outcomes(2) { number in
                [.send(number == 0 ? Frame.head(status, stream: 1) : Frame.status(204, stream: 3, isLast: true))]
            }
            let failure = try #require(outcomes[0].failure)
            #expect([.http2Failed, .responseMalformed].contains(failure), "\(failure.name)")
            #expect(outcomes[1].response?.status == 204)
        }

        /// By a peer that has not acknowledged that nobody wants it. Each ended the process when the message's own stream ended.
        @Test(arguments: ["a response", "its reset", "the next one", "of no stream"])
        func `a promised response ends its connection and nothing else`(_ kind: String) async throws {
            let pushed: [UInt8] =
                switch kind {
                case "a response": Frame.promise(2, stream: 1) + Frame.status(200, stream: 2)
                case "its reset": Frame.promise(2, stream: 1) + Frame.reset(stream: 2, code: 8)
                case "the next one": Frame.promise(2, stream: 1) + Frame.promise(4, stream: 1)
                default: Frame.promise(2, stream: 7) + Frame.status(200, stream: 2)
                }
            let (outcomes, seen) = try await outcomes(2, thenUntil: { $0.closed >= 1 }) { number in
                number == 0
                    ? [.send(pushed), .send(Frame.status(204, stream: 1, isLast: true))]
                    : [.send(Frame.status(204, stream: 1, isLast: true))]
            }
            let failure = try #require(outcomes[0].failure)
            #expect([.http2Failed, .closedEarly(status: nil)].contains(failure), "\(failure.name)")
            #expect(outcomes[1].response?.status == 204)
            #expect(seen.accepted == 2)
        }

        /// The first connection is told to end while a stream is under way, and ends when HTTP/1.1 has been spoken.
        @Test func `a peer that changes to HTTP/1.1 is followed, and to HTTP/2 after a while`() async throws {
            let certificates = try await Certificates()
            let pair = try await certificates.issue("DNS:receiver.example")
            let http2 = try pair.server(protocols: ["h2"])
            let http1 = try pair.server(protocols: ["http/1.1"])
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = certificates.authority.certificate
            configuration.idleTimeout = .seconds(1)
            let port = Mutex(0)
            let receiver: @Sendable (Bool, [HostileReceiver.Step]) async throws -> HostileReceiver = {
                isHTTP2, answer in
                let receiver = try await HostileReceiver(
                    tls: isHTTP2 ? http2 : http1,
                    framing: isHTTP2 ? HostileReceiver.http2 : HostileReceiver.http1, port: port.withLock { $0 },
                    greeting: isHTTP2 ? [.send(Frame.settings)] : []
                ) { _ in answer }
                port.withLock { $0 = receiver.port }
                return receiver
            }
            try await withClient(configuration) { client in
                let deliver: (HostileReceiver) async throws -> SendOutcome = { receiver in
                    let request = try message("https://receiver.example:\(receiver.port)/")
                    var outcome = await client.send(request)
                    // Until the client has heard of the former connection's end.
                    for _ in 0..<100 where outcome.failure != nil {
                        try await Task.sleep(for: .milliseconds(10))
                        outcome = await client.send(request)
                    }
                    return outcome
                }
                for _ in 0..<2 {
                    let leaving = try await receiver(
                        true, [.send(Frame.goAway(last: 1, code: 0)), .pause(.seconds(1)), .reset])
                    let request = try message("https://receiver.example:\(leaving.port)/")
                    try await HostileReceiver.with(leaving) { leaving in
                        client.start(request) { _ in }
                        try await leaving.wait { $0.requests.count == 1 }
                    }
                    for _ in 0..<2 {
                        let outcome = try await HostileReceiver.with(
                            try await receiver(false, [.send("HTTP/1.1 204 No Content\r\n\r\n"), .close]), deliver)
                        #expect(outcome.response?.status == 204, "\(outcome)")
                        try await leaving.wait { $0.closed == $0.accepted }
                    }
                    try await Task.sleep(for: .milliseconds(1_500))
                    let outcome = try await HostileReceiver.with(
                        try await receiver(
                            true,
                            [.send(Frame.status(204, stream: 1, isLast: true) + Frame.goAway(last: 1, code: 0))]),
                        deliver)
                    #expect(outcome.response?.version == "HTTP/2", "\(outcome)")
                    try await Task.sleep(for: .milliseconds(1_500))
                }
            }
        }

        /// Whether the client has spoken HTTP/1.1 before or not.
        @Test(arguments: [false, true])
        func `a connection that is refused gets nothing of a message, and is closed`(_ isSecond: Bool) async throws {
            let certificates = try await Certificates()
            let right = try await certificates.issue("DNS:receiver.example").server(protocols: ["http/1.1"])
            let wrong = try await certificates.issue("IP:127.0.0.1").server(protocols: ["h2"])
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = certificates.authority.certificate
            try await withClient(configuration) { client in
                var port = 0
                if isSecond {
                    let receiver = try await HostileReceiver(tls: right) { _ in
                        [.send("HTTP/1.1 204 No Content\r\n\r\n"), .close]
                    }
                    port = receiver.port
                    try await HostileReceiver.with(receiver) { receiver in
                        let request = try message("https://receiver.example:\(receiver.port)/")
                        #expect(await client.send(request).response?.status == 204)
                        try await receiver.wait { $0.closed == $0.accepted }
                    }
                }
                let receiver = try await HostileReceiver(
                    tls: wrong, framing: HostileReceiver.http2Heads, port: port, greeting: [.send(Frame.settings)]
                ) { _ in [.send(Frame.status(204, stream: 1, isLast: true))] }
                try await HostileReceiver.with(receiver) { receiver in
                    let request = try message("https://receiver.example:\(receiver.port)/")
                    let failures = await withTaskGroup { group in
                        for _ in 0..<20 { group.addTask { await client.send(request).failure } }
                        return await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(failures.allSatisfy { $0 == .certificateWrongName }, "\(failures.map { $0?.name ?? "" })")
                    try await receiver.wait { $0.closed == $0.accepted }
                    #expect(receiver.seen.requests.isEmpty)
                }
            }
        }

        @Test func `a connection that is told to end and is idle is closed`() async throws {
            let (outcomes, seen) = try await outcomes(3, thenUntil: { $0.closed == 3 }) { _ in
                [.send(Frame.status(204, stream: 1, isLast: true) + Frame.goAway(last: 1, code: 0))]
            }
            #expect(outcomes.map { $0.response?.status } == [204, 204, 204])
            #expect(seen.accepted == 3)
        }

        @Test func `a connection that ends at once fails the messages that have yet to begin, and nothing else`()
            async throws
        {
            let certificates = try await Certificates()
            let context = try await certificates.issue("DNS:receiver.example").server(protocols: ["h2"])
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = certificates.authority.certificate
            for end in [HostileReceiver.Step.close, .reset, .send("no frame at all, and longer than a head of one")] {
                let receiver = try await HostileReceiver(
                    tls: context, framing: HostileReceiver.http2, greeting: [.send(Frame.settings), end]
                ) { _ in [] }
                try await HostileReceiver.with(receiver) { receiver in
                    try await withClient(configuration) { client in
                        let request = try message(
                            "https://receiver.example:\(receiver.port)/", deadline: .seconds(5))
                        await withTaskGroup { group in
                            for _ in 0..<300 {
                                group.addTask { #expect(await client.send(request).failure != nil) }
                            }
                        }
                    }
                }
            }
        }

        @Test func `a server that stays silent after the request ends with the deadline`() async throws {
            let (outcomes, _) = try await outcomes(deadline: .seconds(2)) { _ in [] }
            #expect(outcomes[0].failure == .timeout(status: nil))
        }

        @Test
        func `a server that completes the handshake and stays silent is let go, and reached again when it speaks`()
            async throws
        {
            let certificates = try await Certificates()
            let context = try await certificates.issue("DNS:receiver.example").server(protocols: ["h2"])
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = certificates.authority.certificate
            configuration.connectTimeout = .seconds(1)
            let silent = try await HostileReceiver(tls: context, framing: HostileReceiver.http2) { _ in [] }
            try await withClient(configuration) { client in
                let url = "https://receiver.example:\(silent.port)/"
                try await HostileReceiver.with(silent) { silent in
                    let outcome = await client.send(try message(url, deadline: .seconds(2)))
                    #expect(outcome.failure == .connectTimeout)
                    #expect(outcome.duration < .seconds(10))
                    try await silent.wait { $0.closed == $0.accepted }
                }
                let speaking = try await HostileReceiver(
                    tls: context, framing: HostileReceiver.http2, port: silent.port, greeting: [.send(Frame.settings)]
                ) { _ in [.send(Frame.status(204, stream: 1, isLast: true))] }
                try await HostileReceiver.with(speaking) { _ in
                    let request = try message(url)
                    #expect(await client.send(request).response?.status == 204)
                }
            }
        }
    }
}
