import NIOHTTP1
import Testing
import Webhooks

@testable import WebhookClient

extension `Sending a webhook` {
    @Suite struct `What is told of it` {
        @Test func `a response's head leaves out what may let somebody in`() async throws {
            let (outcome, _) = try await outcome(
                of: .send(
                    """
                    HTTP/1.1 302 Found\r
                    Set-Cookie: session=hunter2\r
                    Authorization: Bearer hunter2\r
                    X-Api-Key: hunter2\r
                    WWW-Authenticate: Basic realm=hunter2\r
                    X-CSRF-Token: hunter2\r
                    Location: https://receiver.example/login?token=hunter2\r
                    Server: plain\r
                    Content-Length: 0\r
                    \r

                    """))
            let head = try #require(outcome.response?.head)
            #expect(!head.contains("hunter2"))
            #expect(head.hasPrefix("HTTP/1.1 302 Found\nSet-Cookie: (left out)\n"))
            #expect(head.contains("\nLocation: https://receiver.example/login?(left out)\n"))
            #expect(head.contains("\nServer: plain"))
        }

        @Test func `a response's head is cut between lines and characters`() {
            var headers = HTTPHeaders()
            for number in 0..<200 { headers.add(name: "x-\(number)", value: String(repeating: "é", count: 2_000)) }
            let text = ResponseHead.text(version: "HTTP/1.1", status: .ok, headers: headers, atMost: 16_384)
            #expect(text.utf8.count <= 16_384)
            #expect(text.utf8.count > 12_000)
            #expect(text.hasSuffix("\n…"))
            #expect(!text.contains("\u{FFFD}"))
        }

        @Test func `control characters of a header do not reach a terminal`() {
            let headers: HTTPHeaders = ["x-a": "red \u{1B}[31m\u{7F}\u{9B}1m"]
            let text = ResponseHead.text(version: "HTTP/2", status: .ok, headers: headers, atMost: 16_384)
            #expect(text == "HTTP/2 200\nx-a: red  [31m  1m")
        }

        /// These names stand in rows: whoever changes one changes what was stored.
        @Test func `failures keep their names`() throws {
            let refused = AddressPolicy().verdict(on: try #require(IPAddress("127.0.0.1")))
            guard case .refused(let refusal) = refused else { throw Unexpected() }
            let all: [(SendFailure, String)] = [
                (.resolveFailed(.unknownName), "resolve_failed"), (.resolveTimeout, "resolve_timeout"),
                (.addressRefused(refusal), "address_refused"), (.connectFailed("x"), "connect_failed"),
                (.connectTimeout, "connect_timeout"), (.certificateWrongName, "certificate_wrong_name"),
                (.certificateRefused, "certificate_refused"), (.tlsFailed, "tls_failed"),
                (.timeout(status: 200), "timeout"), (.closedEarly(status: nil), "closed_early"),
                (.reset(status: nil), "reset"), (.headTooLarge, "head_too_large"),
                (.responseMalformed, "response_malformed"), (.http2Failed, "http2_failed"),
                (.requestRefused, "request_refused"), (.cancelled, "cancelled"), (.other, "other"),
            ]
            for (failure, name) in all { #expect(failure.name == name) }
        }

        @Test func `no failure tells the query, a header or a part of the body`() async throws {
            let secrets = ["hunter2", "whsec_", "sk-live"]
            let headers = [("webhook-signature", "v1,whsec_abc"), ("authorization", "Bearer sk-live")]
            func check(_ outcome: SendOutcome) {
                let text = "\(outcome) \(outcome.failure.map { "\($0)" } ?? "")"
                for secret in secrets { #expect(!text.contains(secret), "\(text)") }
            }
            for steps in [[HostileReceiver.Step.close], [.reset], [.send("no HTTP")]] {
                let receiver = try await HostileReceiver { _ in steps }
                try await HostileReceiver.with(receiver) { receiver in
                    try await withClient { client in
                        for scheme in ["http", "https"] {
                            let url = "\(scheme)://receiver.example:\(receiver.port)/?token=hunter2"
                            check(
                                await client.send(
                                    try message(url, headers: headers, body: "hunter2", deadline: .seconds(1))))
                        }
                    }
                }
            }
        }

        @Test func `a wildcard of a certificate stands for one whole label`() {
            #expect(CertificateName.matches("a.example", "a.example"))
            #expect(CertificateName.matches("*.example", "a.example"))
            #expect(!CertificateName.matches("*.example", "a.b.example"))
            #expect(!CertificateName.matches("*.example", "example"))
            #expect(!CertificateName.matches("a*.example", "ab.example"))
        }
    }
}
