import Foundation
import Testing
import Webhooks

@testable import WebhookClient

private let ok: [HostileReceiver.Step] = [.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]

extension `Sending a webhook` {
    @Suite struct `TLS` {
        /// Sends one message to `https://receiver.example` with the authority of the certificates trusted, or not.
        private func outcome(
            from pair: Certificates.Pair, trusting authority: Certificates.Pair?, host: String = "receiver.example"
        ) async throws -> (SendOutcome, HostileReceiver.Seen) {
            var configuration = WebhookClient.Configuration()
            configuration.extraAuthorities = authority?.certificate
            let receiver = try await HostileReceiver(tls: pair.server()) { _ in ok }
            return try await HostileReceiver.with(receiver) { receiver in
                try await withClient(configuration) { client in
                    let outcome = await client.send(try message("https://\(host):\(receiver.port)/"))
                    return (outcome, receiver.seen)
                }
            }
        }

        @Test func `a certificate of an extra authority is good, for a name and for an address`() async throws {
            let certificates = try await Certificates()
            let pair = try await certificates.issue("DNS:receiver.example,IP:127.0.0.1")
            for host in ["receiver.example", "127.0.0.1"] {
                let (outcome, _) = try await outcome(from: pair, trusting: certificates.authority, host: host)
                #expect(outcome.response?.body == Array("ok".utf8))
            }
        }

        @Test func `an authority that was not named, and none at all, are refused before a byte of the request`()
            async throws
        {
            let certificates = try await Certificates()
            let ofStranger = try await certificates.issue("DNS:receiver.example")
            let selfSigned = try await certificates.issue("DNS:receiver.example", isSelfSigned: true)
            for (pair, authority) in [(ofStranger, nil), (selfSigned, certificates.authority), (selfSigned, nil)] {
                let (outcome, seen) = try await outcome(from: pair, trusting: authority)
                #expect(outcome.failure == .certificateRefused)
                #expect(seen.requests.isEmpty)
            }
        }

        @Test func `an expired certificate is refused`() async throws {
            let certificates = try await Certificates()
            let pair = try await certificates.issue("DNS:receiver.example", isExpired: true)
            let (outcome, seen) = try await outcome(from: pair, trusting: certificates.authority)
            #expect(outcome.failure == .certificateRefused)
            #expect(seen.requests.isEmpty)
        }

        @Test func `the certificate has to name the url's host, and the pinned address will not do`() async throws {
            let certificates = try await Certificates()
            for names in ["DNS:other.example", "IP:127.0.0.1", "DNS:*.receiver.example"] {
                let pair = try await certificates.issue(names)
                let (outcome, seen) = try await outcome(from: pair, trusting: certificates.authority)
                #expect(outcome.failure == .certificateWrongName)
                #expect(seen.requests.isEmpty)
            }
        }

        @Test
        func `an endpoint that asks for a client certificate gets the one that is set, and refuses those without`()
            async throws
        {
            let certificates = try await Certificates()
            let server = try await certificates.issue("DNS:receiver.example")
            let own = try await certificates.issue("DNS:tallyd.example")
            for isShown in [true, false] {
                var configuration = WebhookClient.Configuration()
                configuration.extraAuthorities = certificates.authority.certificate
                if isShown { configuration.clientCertificate = (own.certificate, own.key) }
                let context = try server.server(askingFor: certificates.authority)
                let receiver = try await HostileReceiver(tls: context) { _ in ok }
                try await HostileReceiver.with(receiver) { receiver in
                    try await withClient(configuration) { client in
                        let outcome = await client.send(try message("https://receiver.example:\(receiver.port)/"))
                        if isShown {
                            #expect(outcome.response?.status == 200)
                        } else {
                            #expect(outcome.failure == .tlsFailed)
                            #expect(receiver.seen.requests.isEmpty)
                        }
                    }
                }
            }
        }

        @Test func `a server that speaks no TLS, or breaks off in the handshake, is told from one that refuses`()
            async throws
        {
            let plain = try await HostileReceiver(greeting: [.send("220 mail.example ESMTP\r\n")]) { _ in [] }
            try await HostileReceiver.with(plain) { receiver in
                try await withClient { client in
                    let outcome = await client.send(try message("https://receiver.example:\(receiver.port)/"))
                    #expect(outcome.failure == .tlsFailed)
                }
            }
            let closing = try await HostileReceiver(greeting: [.close]) { _ in [] }
            try await HostileReceiver.with(closing) { receiver in
                try await withClient { client in
                    let outcome = await client.send(try message("https://receiver.example:\(receiver.port)/"))
                    // Which of the two depends on who of the TLS library and the socket is asked first.
                    let failure = try #require(outcome.failure)
                    #expect([.connectionGone, .tlsFailed].contains(failure))
                }
            }
        }

        @Test func `a server that stays silent in the handshake is a connection that never came about`() async throws {
            let receiver = try await HostileReceiver { _ in [] }
            try await HostileReceiver.with(receiver) { receiver in
                for (connectTimeout, deadline) in [
                    (Duration.seconds(1), Duration.seconds(20)), (.seconds(10), .seconds(1)),
                ] {
                    var configuration = WebhookClient.Configuration()
                    configuration.connectTimeout = connectTimeout
                    try await withClient(configuration) { client in
                        let url = "https://receiver.example:\(receiver.port)/"
                        let outcome = await client.send(try message(url, deadline: deadline))
                        #expect(outcome.failure == .connectTimeout)
                    }
                }
            }
        }

        @Test func `files that hold no certificate or key are refused by name when the client is made`() async throws {
            let certificates = try await Certificates()
            let authority = certificates.authority
            let wrong: [(WebhookClient.Configuration, String)] = [
                ("/nonexistent", nil, "authorities_unreadable"), (authority.key, nil, "authorities_unreadable"),
                (nil, (authority.key, authority.key), "client_certificate_unreadable"),
                (nil, (authority.certificate, authority.certificate), "client_key_unreadable"),
            ].map { extra, own, name in
                var configuration = WebhookClient.Configuration()
                configuration.extraAuthorities = extra
                configuration.clientCertificate = own
                return (configuration, name)
            }
            for (configuration, name) in wrong {
                let defect = #expect(throws: Defect.self) {
                    _ = try WebhookClient(configuration, resolver: FakeResolver.loopback) { AddressPolicy() }
                }
                #expect(defect?.name == name)
                #expect(configuration.fileDefects().map(\.defect.name) == [name])
            }
            var unfit = WebhookClient.Configuration()
            let own = try await certificates.issue("DNS:own.example")
            unfit.clientCertificate = (own.certificate, try await certificates.issue("DNS:other.example").key)
            #expect(unfit.fileDefects().map(\.defect.name) == ["client_certificate_unusable"])
            unfit.clientCertificate = (own.certificate, own.key)
            #expect(unfit.fileDefects().isEmpty)
            unfit.extraAuthorities = "/nonexistent"
            unfit.clientCertificate = ("/nonexistent", "/nonexistent")
            #expect(unfit.fileDefects().map(\.file) == [.authorities, .clientCertificate, .clientKey])
        }
    }
}
