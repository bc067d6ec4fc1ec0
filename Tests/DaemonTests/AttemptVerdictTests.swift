import Scheduling
import Storage
import Testing
import Webhooks

@testable import Daemon
@testable import WebhookClient

@Suite struct `What an attempt means` {
    private static let now = Instant(milliseconds: 1_795_561_385_000)
    private static let delivery = ClaimedDelivery(id: 1, event: 1, endpoint: "w", claim: 1, attempt: 0, retry: 0)

    private func response(_ status: Int, retryAfter: String? = nil) throws -> AttemptVerdict {
        let response = WebhookResponse(
            status: status, head: "", body: [], isBodyCut: false, version: "HTTP/1.1",
            address: try #require(IPAddress("192.0.2.1")), retryAfter: retryAfter, allowedOrigin: nil, allowedRate: nil)
        return AttemptVerdict(
            SendOutcome(result: .success(response), duration: .zero), startedAt: Self.now, now: Self.now,
            isAddress: false)
    }

    /// When the delivery goes again, in seconds from now, with an endpoint that has taken in the attempt.
    private func again(_ verdict: AttemptVerdict, failuresBefore: Int = 0) throws -> Double {
        var record = EndpointRecord()
        record.health.breaker.failures = failuresBefore
        record.health.begin()
        _ = record.health.record(verdict.outcome, at: Self.now, policy: .standard, jitter: 0.5)
        let settled = verdict.settlement(of: Self.delivery, record, .standard, jitter: 0.5, now: Self.now)
        guard case .retry(let at) = settled.settlement else { return -1 }
        #expect(settled.wait == .milliseconds(at.milliseconds - Self.now.milliseconds))
        return Double(at.milliseconds - Self.now.milliseconds) / 1_000
    }

    @Test func `a delivery is planned for when its endpoint may be told again`() throws {
        #expect(try again(response(500)) == 5)
        #expect(try again(response(503)) == 30, "which is how long the endpoint is held without a Retry-After")
        #expect(try again(response(503, retryAfter: "90")) == 90)
        #expect(try again(response(429, retryAfter: "1")) == 5)
        // The fifth failure in a row opens the breaker.
        #expect(try again(response(500), failuresBefore: 4) == 5)
    }

    @Test func `what a receiver asks for is written in whole seconds`() throws {
        #expect(try response(503, retryAfter: "64612").record?.error == "status 503, retry after 64612s")
        #expect(try response(429, retryAfter: "0").record?.error == "status 429, retry after 0s")
        #expect(try response(429).record?.error == "status 429")
    }

    @Test func `a refused address comes with the setting that would allow it`() throws {
        let policy = AddressPolicy(denied: try AddressList("203.0.113.0/24"))
        for (address, remedy) in [
            ("127.0.0.1", "127.0.0.1 is a loopback address; TALLYD_WEBHOOK_ALLOW=127.0.0.1 allows it, if it is meant"),
            ("::ffff:10.0.0.9", "TALLYD_WEBHOOK_ALLOW=10.0.0.9 allows it"),
            ("203.0.113.7", "take it out of TALLYD_WEBHOOK_DENY"),
        ] {
            guard case .refused(let refusal) = policy.verdict(on: try #require(IPAddress(address))) else {
                Issue.record("\(address) is admitted")
                continue
            }
            let verdict = AttemptVerdict(
                SendOutcome(result: .failure(.addressRefused(refusal)), duration: .zero), startedAt: Self.now,
                now: Self.now, isAddress: true)
            #expect(verdict.record?.error?.contains(remedy) == true, "\(verdict.record?.error ?? "")")
            #expect(verdict.finalReason == "address_refused")
        }
    }
}

@Suite struct `Dead letters in the log` {
    @Test func `are counted by their reason, the first at once and then once a minute`() {
        var letters = DeadLetters()
        #expect(letters.take(at: .seconds(1)) == nil)
        letters.add("timeout")
        letters.add("url_not_https", 3)
        #expect(letters.take(at: .seconds(1)) ?? (0, "") == (4, "url_not_https 3, timeout 1"))
        letters.add("timeout")
        #expect(letters.take(at: .seconds(60)) == nil)
        #expect(letters.take(at: .seconds(61)) ?? (0, "") == (1, "timeout 1"))
        letters.add("gone")
        #expect(letters.take(at: .seconds(62), isLast: true) ?? (0, "") == (1, "gone 1"))
        #expect(letters.take(at: .seconds(500)) == nil)
    }
}

@Suite struct `Who delivers webhooks` {
    @Test(
        arguments: [
            (nil, .nobody), ("tallyd run, process 7", .running),
            ("tallyd run without webhooks, process 7", .switchedOff),
            ("tallyd rollup run, process 7", .another("tallyd rollup run, process 7")),
            ("tallyd running, process 7", .another("tallyd running, process 7")),
        ] as [(String?, Ownership.Deliverer)])
    func `is read from what the holder of the lock wrote`(holder: String?, deliverer: Ownership.Deliverer) {
        #expect(Ownership.Deliverer(holder: holder) == deliverer)
        #expect(Ownership.name(Ownership.run).hasPrefix("tallyd run,"))
    }
}
