import NIOCore
import TestSupport
import Testing
import Webhooks

@testable import WebhookClient

private let ok: [HostileReceiver.Step] = [.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]

extension `Sending a webhook` {
    @Suite struct `A message` {
        @Test func `arrives byte for byte, with path, query, Host and headers as they were given`() async throws {
            let receiver = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let url = "http://receiver.example:\(receiver.port)/a%2Fb/c;d?token=x%20y&z=%C3%A9"
                    var request = try message(
                        url, headers: [("webhook-id", "msg_1"), ("Content-Type", "application/json")])
                    request.body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
                    #expect(await client.send(request).response?.status == 200)
                    let bytes = try #require(receiver.seen.requests.first)
                    #expect(Array(bytes.suffix(request.body.count)) == request.body)
                    let head = String(decoding: bytes.dropLast(request.body.count), as: UTF8.self).split(
                        separator: "\r\n")
                    #expect(head.first == "POST /a%2Fb/c;d?token=x%20y&z=%C3%A9 HTTP/1.1")
                    for line in [
                        "Host: receiver.example:\(receiver.port)", "webhook-id: msg_1", "Content-Length: 300000",
                    ] {
                        #expect(head.dropFirst().count { $0.lowercased() == line.lowercased() } == 1, "\(line)")
                    }
                }
            }
        }

        @Test func `many, one after the other, share a connection`() async throws {
            let receiver = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let request = try message("http://receiver.example:\(receiver.port)/")
                    for _ in 0..<20 { #expect(await client.send(request).response?.status == 200) }
                }
                // The client tells of a response's end a moment before its connection is free again, so that a message which
                // is quick to follow may open another one. From then on there are two to take.
                #expect(receiver.seen.accepted <= 3)
                #expect(receiver.seen.requests.count == 20)
            }
        }

        @Test func `an OPTIONS request brings back what a consent is read from`() async throws {
            let answer =
                "HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: tallyd.example\r\nWebHook-Allowed-Rate: 120\r\n\r\n"
            let receiver = try await HostileReceiver { _ in [.send(answer), .close] }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let consent = try DeliveryConsent(origin: "tallyd.example", rate: 120)
                    var request = try message(
                        "http://receiver.example:\(receiver.port)/", headers: consent.requestHeaders)
                    request.method = .options
                    request.body = []
                    let response = try #require(await client.send(request).response)
                    let granted = consent.answer(
                        allowedOrigin: response.allowedOrigin, allowedRate: response.allowedRate)
                    #expect(granted == .granted(perMinute: 120))
                    let head = String(decoding: receiver.seen.requests[0], as: UTF8.self)
                    #expect(head.hasPrefix("OPTIONS / HTTP/1.1\r\n"))
                    #expect(head.contains("WebHook-Request-Rate: 120\r\n"))
                }
            }
        }

        @Test(arguments: [
            "120", "0", "-1", "1e3", "Fri, 31 Dec 1999 23:59:59 GMT", "soon", "99999999999999999999", "120, 240",
            "\"5\"",
        ])
        func `a Retry-After of any kind comes through as it is`(_ value: String) async throws {
            let (outcome, _) = try await outcome(
                of: .send("HTTP/1.1 503 Busy\r\nRetry-After: \(value)\r\ncontent-length: 0\r\n\r\n"))
            #expect(outcome.response?.retryAfter == value)
        }

        @Test func `a header that HTTP cannot carry is refused and not repeated`() async throws {
            try await withClient { client in
                for header in [("x-a", "secret\r\nx-b: c"), ("x a", "secret"), ("x-a", "sec\0ret")] {
                    let failure = await client.send(try message("http://receiver.example:9/", headers: [header]))
                        .failure
                    #expect(failure == .requestRefused)
                }
            }
        }

        @Test func `a refused connection is told with the system's reason`() async throws {
            // A port of a receiver that has ended may be another test's by then.
            let port = try LoopbackPort()
            try await withClient { client in
                let failure = await client.send(try message("http://receiver.example:\(port.number)/")).failure
                #expect(failure == .connectFailed("Connection refused"))
            }
            withExtendedLifetime(port) {}
        }

        @Test func `cancelling ends it at every step, as no outcome`() async throws {
            let receiver = try await HostileReceiver { _ in [.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")] }
            try await HostileReceiver.with(receiver) { receiver in
                let resolver = FakeResolver { name, _ in name == "hung.example" ? .never : .addresses(["127.0.0.1"]) }
                try await withClient(resolver: resolver) { client in
                    for host in ["hung.example", "receiver.example"] {
                        let request = try message("http://\(host):\(receiver.port)/")
                        let sending = Task { await client.send(request) }
                        if host == "receiver.example" { try await receiver.wait { $0.requests.count == 1 } }
                        sending.cancel()
                        #expect(await sending.value.failure == .cancelled)
                    }
                    try await receiver.wait { $0.closed == 1 }
                }
            }
        }

        @Test func `shutting down ends what is under way, and what comes after`() async throws {
            let receiver = try await HostileReceiver { _ in [] }
            try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let request = try message("http://receiver.example:\(receiver.port)/")
                    let sending = Task { await client.send(request) }
                    try await receiver.wait { $0.requests.count == 1 }
                    await client.shutdown()
                    #expect(await sending.value.failure == .cancelled)
                    #expect(await client.send(request).failure == .cancelled)
                }
            }
        }
    }
}
