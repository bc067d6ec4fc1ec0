import Testing
import Webhooks

@testable import WebhookClient

/// Long enough for everything before it on a busy machine, short for those who wait.
private let shortDeadline: Duration = .seconds(2)

extension `Sending a webhook` {
    @Suite struct `A response that never ends` {
        @Test func `a receiver that takes the request and says nothing is a timeout before any head`() async throws {
            let (outcome, seen) = try await outcome(of: .send(""), deadline: shortDeadline)
            #expect(outcome.failure == .timeout(status: nil))
            #expect(seen.requests.count == 1)
        }

        @Test func `a head of one byte a second ends with the deadline`() async throws {
            let (outcome, _) = try await outcome(
                of: .drip("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), deadline: shortDeadline)
            #expect(outcome.failure == .timeout(status: nil))
            #expect(outcome.duration >= shortDeadline)
        }

        @Test func `a body of one byte a second ends with the same deadline as the head`() async throws {
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n"), .drip("x"), deadline: shortDeadline)
            #expect(outcome.failure == .timeout(status: 200))
        }

        @Test func `an endless body is cut, counts by its status, and its connection is closed`() async throws {
            let receiver = try await HostileReceiver { _ in
                [
                    .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
                    .flood("4000\r\n" + String(repeating: "x", count: 0x4000) + "\r\n"),
                ]
            }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let outcome = await client.send(try message("http://receiver.example:\(receiver.port)/"))
                    let response = try #require(outcome.response)
                    #expect(response.status == 200)
                    #expect(response.body == Array(repeating: UInt8(ascii: "x"), count: WebhookResponse.longestBody))
                    #expect(response.isBodyCut)
                    try await receiver.wait { $0.closed == 1 }
                    // What the sockets' buffers took on the way, and not what a reader took.
                    #expect(receiver.seen.flooded < 32 * 1_024 * 1_024)
                }
            }
        }

        @Test func `a huge body of a stated length is cut as well`() async throws {
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 500 Oh\r\ncontent-length: 1099511627776\r\n\r\n"),
                .flood(String(repeating: "y", count: 0x4000)))
            let response = try #require(outcome.response)
            #expect(response.status == 500)
            #expect(response.body.count == WebhookResponse.longestBody)
            #expect(response.isBodyCut)
        }

        @Test(arguments: [
            "HTTP/1.1 200 OK\r\n|x-more: of the same\r\n",
            "HTTP/1.1 200 OK\r\nx-long: |xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "|HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
            "|HTTP/1.1 100 Continue\r\n\r\n",
        ])
        func `endless headers, a huge header and endless interim responses are too large a head`(_ script: String)
            async throws
        {
            let halves = script.split(separator: "|", omittingEmptySubsequences: false)
            let (outcome, _) = try await outcome(
                of: .send(String(halves[0])), .flood(String(repeating: String(halves[1]), count: 64)))
            #expect(outcome.failure == .headTooLarge)
        }

        @Test func `an endless chunk extension is no response, and nothing is kept of it`() async throws {
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a="),
                .flood(String(repeating: "b", count: 0x1000)))
            #expect(outcome.failure == .responseMalformed)
        }

        @Test func `endless trailers are no response`() async throws {
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"),
                .flood(String(repeating: "x-more: of the same\r\n", count: 64)))
            #expect([.responseMalformed, .headTooLarge].contains(outcome.failure))
        }
    }

    @Suite struct `A large head` {
        private func answer(_ headers: String, body: String = "ok") -> HostileReceiver.Step {
            .send("HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
        }

        private func lines(_ count: Int) -> String { String(repeating: "a: b\r\n", count: count) }

        @Test func `arrives, up to the bounds of its length and its lines`() async throws {
            for headers in ["x-long: \(String(repeating: "x", count: 15_000))\r\n", lines(250)] {
                let (outcome, _) = try await outcome(of: answer(headers))
                #expect(outcome.response?.status == 200)
            }
        }

        @Test func `is too large beyond them, though what follows never comes`() async throws {
            // Nothing but the first bytes of each, so that it is not its end that tells.
            for headers in [String(repeating: "x", count: 40_000), lines(300)] {
                let (outcome, _) = try await outcome(of: .send("HTTP/1.1 200 OK\r\nx-long: x\r\n" + headers))
                #expect(outcome.failure == .headTooLarge)
            }
        }

        @Test func `trailers arrive up to a bound of their own, and beyond it are no response`() async throws {
            let (whole, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-long: "),
                .send(String(repeating: "x", count: 1_900) + "\r\n\r\n"))
            #expect(whole.response?.body == Array("ok".utf8))
            // The first bytes of one, so that it is neither its end nor their number that tells.
            let (cut, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-long: "),
                .send(String(repeating: "x", count: 5_000)))
            #expect([.responseMalformed, .headTooLarge].contains(cut.failure))
        }

        @Test func `is held for its length and no more, also where much of a body comes along`() async throws {
            let long = "x-long: \(String(repeating: "x", count: 16_000))\r\n"
            let (whole, _) = try await outcome(of: answer(long, body: String(repeating: "b", count: 60_000)))
            #expect(whole.response?.body.count == WebhookResponse.longestBody)
            let (longer, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\nx-long: " + String(repeating: "x", count: 16_500)))
            #expect(longer.failure == .headTooLarge)
        }

        @Test func `what comes before the request is held as a head's, too`() async throws {
            let receiver = try await HostileReceiver(
                greeting: [.send("HTTP/1.1 200 OK\r\nx-long: " + String(repeating: "x", count: 40_000))]
            ) { _ in [.send("\r\n\r\n")] }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let outcome = await client.send(try message("http://receiver.example:\(receiver.port)/"))
                    #expect(outcome.response == nil)
                }
            }
        }

        @Test func `a body in chunks of one byte is read like any other`() async throws {
            let chunks = String(repeating: "1\r\na\r\n", count: 60_000)
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), .send(chunks + "0\r\n\r\n"))
            #expect(outcome.response?.status == 200)
            #expect(outcome.response?.body.count == WebhookResponse.longestBody)
        }
    }

    @Suite struct `A response that lies` {
        @Test func `a body shorter than its stated length was closed early`() async throws {
            let (outcome, _) = try await outcome(of: .send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"), .close)
            #expect(outcome.failure == .closedEarly(status: 200))
        }

        @Test func `a chunked body without its last chunk was closed early`() async throws {
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"), .close)
            #expect(outcome.failure == .closedEarly(status: 200))
        }

        @Test func `bytes after the stated length belong to no response, and not to the next one either`() async throws
        {
            let smuggled = "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
            let receiver = try await HostileReceiver { number in
                [
                    .send(
                        number == 0
                            ? "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" + smuggled
                            : "HTTP/1.1 204 No Content\r\n\r\n")
                ]
            }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let url = "http://receiver.example:\(receiver.port)/"
                    let first = await client.send(try message(url))
                    #expect(first.response?.status == 200)
                    #expect(first.response?.body == Array("ok".utf8))
                    try await receiver.wait { $0.closed == 1 }
                    let second = await client.send(try message(url))
                    #expect(second.response?.status == 204, "\(second)")
                }
            }
        }

        @Test(arguments: [
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
            "HTTP/1.1 2 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nname without colon\r\n\r\n",
            "SSH-2.0-OpenSSH_9.9\r\n",
            "220 mail.example ESMTP\r\n",
            "\0\0\0\0\0\0\0\0\0\0\0\0",
        ])
        func `what breaks the rules of HTTP is malformed`(_ bytes: String) async throws {
            let (outcome, _) = try await outcome(of: .send(bytes))
            #expect(outcome.failure == .responseMalformed)
        }

        @Test func `a connection closed before a head, and within one, was closed early`() async throws {
            #expect(try await outcome(of: .close).0.failure == .closedEarly(status: nil))
            let (cut, _) = try await outcome(of: .send("HTTP/1.1 200 OK\r\nx-a: "), .close)
            #expect(cut.failure == .closedEarly(status: nil))
        }

        @Test func `a reset is told as one, in the head and in the body`() async throws {
            #expect(try await outcome(of: .reset).0.failure == .reset(status: nil))
            let receiver = try await HostileReceiver { _ in
                [.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"), .reset]
            }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let failure = await client.send(try message("http://receiver.example:\(receiver.port)/")).failure
                    // The kernel drops what was not read yet when the RST comes, so the head may be lost with it.
                    #expect([.reset(status: 200), .reset(status: nil)].contains(failure))
                }
            }
        }

        @Test func `a status that HTTP does not have comes through as it is`() async throws {
            let (outcome, _) = try await outcome(of: .send("HTTP/1.1 799 Odd\r\ncontent-length: 0\r\n\r\n"))
            #expect(outcome.response?.status == 799)
        }

        @Test func `a gzip bomb stays packed`() async throws {
            let bomb = try await GzipBomb.bytes()
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: \(bomb.count)\r\n\r\n"),
                .send(bomb)
            )
            let response = try #require(outcome.response)
            #expect(response.body == Array(bomb.prefix(WebhookResponse.longestBody)))
            #expect(response.isBodyCut == (bomb.count > WebhookResponse.longestBody))
        }
    }
}
