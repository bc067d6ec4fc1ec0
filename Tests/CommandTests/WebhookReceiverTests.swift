import Foundation
import Scheduling
import Testing
import Webhooks

@testable import WebhookReceiver
@testable import tallyd

@Suite struct WebhookReceiverTests {
    private let secret: WebhookSecret
    private let other: WebhookSecret

    init() throws {
        secret = try WebhookSecret.generate(.hmacSHA256, from: Array(repeating: 1, count: 32))
        other = try WebhookSecret.generate(.ed25519, from: Array(repeating: 2, count: 32))
    }

    @Test func `a signed message is verified, and told with what it holds`() async throws {
        let body = "{\"type\":\"usage.day_sealed\",\"day\":\"2026-11-20\"}"
        try await ReceiverInTest.with(keys: [.secret(secret)]) { receiver in
            let headers = try ReceiverInTest.headers(
                body, secret: secret, at: ReceiverInTest.now.milliseconds / 1_000 - 2)
            let answer = try await RawHTTP.post(body, headers, port: receiver.port)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
            let request = try #require(receiver.requests.first)
            #expect(request.content == .message(.verified(key: 0)))
            #expect(request.id == "evt_1" && request.type == "usage.day_sealed")
            #expect(request.bytes == body.utf8.count && request.age == .seconds(2))
            #expect(
                WebhooksListen.line(request)
                    == "2026-11-24T23:03:05.700Z  evt_1  usage.day_sealed  verified  46 bytes  2s old  → 200")
        }
    }

    @Test func `a public key verifies what its secret signed`() async throws {
        let key = try #require(other.publicKey)
        try await ReceiverInTest.with(keys: [.secret(secret), .publicKey(key)]) { receiver in
            _ = try await RawHTTP.post("1", ReceiverInTest.headers("1", secret: other), port: receiver.port)
            let request = try #require(receiver.requests.first)
            #expect(request.content == .message(.verified(key: 1)))
            #expect(WebhooksListen.line(request).contains("no type  verified by key 2  1 byte"))
        }
    }

    @Test func `what is not signed rightly gets 401 and its reason`() async throws {
        try await ReceiverInTest.with(keys: [.secret(secret)]) { receiver in
            let signed = try ReceiverInTest.headers("{}", secret: secret)
            let old = try ReceiverInTest.headers(
                "{}", secret: secret, at: ReceiverInTest.now.milliseconds / 1_000 - 301)
            for (body, headers) in [("{ }", signed), ("{}", old), ("{}", [:])] {
                let answer = try await RawHTTP.post(body, headers, port: receiver.port)
                #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(answer)")
            }
            #expect(
                receiver.requests.map(\.content) == [
                    .message(.refused(.noMatch)), .message(.refused(.tooOld)), .message(.refused(.missingHeader)),
                ])
            #expect(WebhooksListen.line(receiver.requests[1]).contains("refused: the timestamp is too old"))
        }
    }

    @Test func `without a key nothing is checked, and the answer is as wished`() async throws {
        try await ReceiverInTest.with(manner: .init(status: 503, delay: .milliseconds(1))) { receiver in
            let answer = try await RawHTTP.post("no json", [:], port: receiver.port)
            #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(answer)")
            #expect(receiver.requests.first?.content == .message(.unchecked))
        }
    }

    @Test func `CloudEvents' question is answered with its origin, and its envelope is seen`() async throws {
        try await ReceiverInTest.with { receiver in
            let question = """
                OPTIONS /in HTTP/1.1\r\nhost: x\r\nwebhook-request-origin: usage.example.com\r\nconnection: close\r\n\r\n
                """
            let answer = try await RawHTTP.exchange(Data(question.utf8), port: receiver.port)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
            #expect(answer.lowercased().contains("webhook-allowed-origin: usage.example.com\r\n"), "\(answer)")
            #expect(answer.lowercased().contains("webhook-allowed-rate: *\r\n"), "\(answer)")
            _ = try await RawHTTP.post(
                "{\"type\":\"a.b\"}", ["content-type": CloudEvent.contentType], port: receiver.port)
            let requests = receiver.requests
            #expect(requests.map(\.isCloudEvent) == [false, true])
            #expect(requests[0].content == .handshake(origin: "usage.example.com") && requests[1].type == "a.b")
        }
    }

    @Test func `a body beyond a mebibyte and its envelope is refused before it is read whole`() async throws {
        try await ReceiverInTest.with { receiver in
            let longest = String(repeating: "x", count: WebhookReceiver.longestBody)
            #expect(try await RawHTTP.post(longest, [:], port: receiver.port).hasPrefix("HTTP/1.1 200 "))
            let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999\r\n\r\n"
            let answer = try await RawHTTP.exchange(Data((head + longest + "x").utf8), port: receiver.port)
            // Where the answer was lost with a reset, it closed all the same.
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
            #expect(receiver.requests.last?.content == .refused("its body is too long"))
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "HTTP/1.1 405 "),
        ("this is no HTTP\r\n\r\n", "HTTP/1.1 400 "),
        ("POST / HTTP/1.1\r\nhost: x\r\nodd: \(String(repeating: "y", count: 200_000))\r\n\r\n", "HTTP/1.1 4"),
    ])
    func `what is no webhook is refused`(request: String, expected: String) async throws {
        try await ReceiverInTest.with { receiver in
            let answer = try await RawHTTP.exchange(Data(request.utf8), port: receiver.port)
            #expect(answer.isEmpty || answer.hasPrefix(expected), "\(answer)")
            #expect(receiver.requests.allSatisfy { [400, 405].contains($0.status) })
            #expect(try await RawHTTP.post("1", [:], port: receiver.port).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `a line of what a stranger sent does nothing to a terminal`() throws {
        let request = ReceivedRequest(
            receivedAt: ReceiverInTest.now, content: .message(.unchecked), id: "a\u{1B}[31m",
            type: String(repeating: "t", count: 200), isCloudEvent: false, bytes: 7, age: .seconds(-3), status: 200)
        let line = WebhooksListen.line(request)
        #expect(line.contains("a\\u{1b}[31m") && line.contains("3s ahead"), "\(line)")
        #expect(line.count < 200)
        #expect(try WebhooksListen.json(request).line().contains("\"age_seconds\":-3"))
    }
}
