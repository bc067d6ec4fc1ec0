import Foundation
import TestSupport
import Testing
import Webhooks

@Suite struct WebhookChangeTests {
    // MARK: Sending

    @Test func `send enters an event and prints its id alone`() async throws {
        let place = try await CommandPlace()
        let run = try await place.tallyd(
            "webhooks", "send", "--type", "invoice.paid", "--data", "{\"n\": 1}", "--user", "acme")
        #expect(run.status == 0, "\(run.errors)")
        let row: String? = try place.value(
            "SELECT id || ' ' || user_id || ' ' || event_type || ' ' || payload FROM webhook_events")
        #expect(row == "\(run.output.dropLast()) acme invoice.paid {\"n\": 1}")
        #expect(try place.value("SELECT revision > 0 FROM webhook_outbox") == true)
    }

    @Test func `send takes its payload from a file or from standard input`() async throws {
        let place = try await CommandPlace()
        let file = place.folder.appending(path: "note.json")
        try Data("{\"from\":\"file\"}\n".utf8).write(to: file)
        _ = try await place.json("webhooks", "send", "--type", "a", "--data", "@\(file.path)")
        let piped = try await place.tallyd(
            "webhooks", "send", "--type", "a", "--data", "-", input: Data("[\"pipe\"]\n".utf8))
        #expect(piped.status == 0, "\(piped.errors)")
        let payloads: String? = try place.value("SELECT group_concat(payload, ' ') FROM webhook_events ORDER BY seq")
        #expect(payloads == "{\"from\":\"file\"} [\"pipe\"]")
    }

    @Test(arguments: [
        ("a..b", "1", "nothing before, after or between full stops"), ("a b", "1", "odd character"),
        ("a", "{hunter2", "--data is not JSON"), ("a", "", "--data is not JSON"),
        ("a", "\"\(String(repeating: "x", count: 1_100_000))\"", "1048576 are the most"),
    ])
    func `send enters nothing that could be told to nobody`(type: String, data: String, words: String) async throws {
        let place = try await CommandPlace()
        let run = try await place.tallyd(
            "webhooks", "send", "--type", type, "--data", "-", input: Data(data.utf8))
        #expect(run.status == 64)
        #expect(run.errors.contains(words), "\(run.errors.prefix(300))")
        #expect(!run.errors.contains("hunter2"))
        #expect(try place.value("SELECT COUNT(*) FROM webhook_events") == 0)
    }

    @Test func `send names a file that is not there`() async throws {
        let run = try await CommandPlace().tallyd("webhooks", "send", "--type", "a", "--data", "@/nowhere/x.json")
        #expect(run.status == 66)
        #expect(run.errors.contains("cannot read /nowhere/x.json"), "\(run.errors)")
    }

    // MARK: Testing

    @Test func `test queues one event for one endpoint`() async throws {
        let place = try await CommandPlace.filled()
        let answer = try await place.json("webhooks", "test", "w1")
        let delivery = try #require(answer["delivery"] as? [String: Any])
        #expect(delivery["type"] as? String == "webhook.test" && delivery["endpoint"] as? String == "w1")
        #expect(delivery["state"] as? String == "pending" && answer["attempt"] is NSNull)
        let payload: String? = try place.value(
            "SELECT payload FROM webhook_events WHERE event_type = 'webhook.test'")
        #expect(payload == "{\"endpoint\":\"w1\"}")
    }

    @Test func `test says when nothing was attempted in time, and what is in the way`() async throws {
        let place = try await CommandPlace.filled()
        try place.changeURL()
        let run = try await place.tallyd("webhooks", "test", "w1", "--wait", "--timeout", "100ms")
        #expect(run.status == 75)
        for words in [
            "no attempt has ended within 100ms", "no daemon runs: start `tallyd run`", "as its url changed",
            "attempts --delivery 5",
        ] {
            #expect(run.errors.contains(words), "\(run.errors)")
        }
    }

    @Test(
        arguments: [
            (204, "NULL", "delivered", 0, "delivered: status 204 from 203.0.113.7:443 after 8ms"),
            (500, "'status_500'", "dead", 1, "not delivered (status_500): the receiver said so"),
        ] as [(Int, String, String, Int32, String)])
    func `test waits for the first attempt and ends as that did`(
        status: Int, reason: String, state: String, ending: Int32, words: String
    ) async throws {
        let place = try await CommandPlace.filled()
        async let running = place.tallyd("webhooks", "test", "w1", "--wait")
        try await place.wait(until: "SELECT MAX(id) = 5 FROM webhook_deliveries")
        try place.execute(
            """
            BEGIN IMMEDIATE;
            INSERT INTO webhook_attempts (delivery_id, attempt, started_at, duration_ms, status, reason, error, address)
            VALUES (5, 1, 1795561389900, 8, \(status), \(reason), 'the receiver said so', '203.0.113.7:443');
            UPDATE webhook_deliveries
            SET state = '\(state)', attempt = 1, next_attempt_at = NULL, settled_at = 1795561389900, reason = COALESCE(\(reason), 'x')
            WHERE id = 5;
            COMMIT;
            """)
        let run = try await running
        #expect(run.status == ending)
        #expect((run.output + run.errors).contains(words), "\(run.output)\(run.errors)")
    }

    // MARK: Replaying

    @Test func `replay says how many there are and needs a yes where it can't ask`() async throws {
        let place = try await CommandPlace.filled()
        let run = try await place.tallyd("webhooks", "replay", "--dead")
        #expect(run.status == 64)
        #expect(run.errors.contains("1 delivery would be queued again: say --yes"), "\(run.errors)")
        #expect(try place.value("SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'dead'") == 1)
        let dry = try await place.tallyd("webhooks", "replay", "--all", "--dry-run")
        #expect(dry.output == "3 deliveries would be queued again\n")
    }

    @Test func `replay queues what fits, and leaves alone what is under way`() async throws {
        let place = try await CommandPlace.filled()
        let dead = try await place.json("webhooks", "replay", "--dead", "--endpoint", "w2", "--yes")
        #expect(dead["matching"] as? Int == 1 && dead["queued"] as? Int == 1)
        let all = try await place.tallyd("webhooks", "replay", "--event", "evt_2", "--yes")
        #expect(all.output == "1 delivery queued again: `tallyd run` delivers it\n")
        let states: String? = try place.value(
            "SELECT group_concat(state, ' ') FROM (SELECT state FROM webhook_deliveries ORDER BY id)")
        #expect(states == "delivered pending pending claimed")
        let none = try await place.tallyd("webhooks", "replay", "--endpoint", "nobody", "--yes")
        #expect(none.status == 64 && none.errors.contains("there is no endpoint nobody"), "\(none.errors)")
        let nothing = try await place.tallyd("webhooks", "replay", "--endpoint", "w3", "--yes")
        #expect(nothing.status == 0 && nothing.output.hasPrefix("no delivery fits"), "\(nothing.output)")
    }

    @Test(
        arguments: [("y\n", 0, "3 deliveries queued again"), ("n\n", 1, "nothing was queued")]
            as [(String, Int32, String)])
    func `replay asks on a terminal and does as it is told`(answer: String, status: Int32, words: String) async throws {
        let place = try await CommandPlace.filled()
        // script(1) runs it on a terminal of its own.
        let command = "'\(CommandPlace.program)' webhooks replay --all --database '\(place.database)'"
        let run = try await ToolRun.run("script", ["-qec", command, "/dev/null"], input: Data(answer.utf8))
        #expect(run.status == status)
        #expect(run.output.contains("3 deliveries will be queued again. Go on? [y/N]"), "\(run.output)")
        #expect(run.output.contains(words), "\(run.output)")
        let pending: Int? = try place.value("SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'pending'")
        #expect(pending == (status == 0 ? 3 : 1))
    }

    @Test(arguments: [
        ("is_active = FALSE", "w1 is inactive: set is_active in webhooks first, and `tallyd webhooks enable w1`"),
        ("events = '[1]'", "w1 has a list of events that "),
    ])
    func `replay and test name what keeps a message from arriving`(change: String, words: String) async throws {
        let place = try await CommandPlace.filled()
        try place.execute(
            "UPDATE webhook_endpoints SET standing = 'gone', next_probe_at = NULL WHERE webhook_id = 'w1'")
        if change.hasPrefix("events") { try place.execute("UPDATE webhook_endpoints SET standing = 'enabled'") }
        try place.execute("UPDATE webhooks SET \(change) WHERE id = 'w1'")
        for command in [["replay", "--endpoint", "w1", "--dry-run"], ["test", "w1"]] {
            let run = try await ToolRun.run(
                CommandPlace.program, ["webhooks"] + command + ["--database", place.database], variables: [:])
            #expect(run.status == 0)
            #expect(run.errors.contains("tallyd: endpoint \(words)"), "\(run.errors)")
        }
        let odd = try await place.tallyd("webhooks", "test", "w1", "--timeout", "1s")
        #expect(odd.status == 64 && odd.errors.contains("give both, or neither"))
    }

    @Test func `replay of everything has to be said`() async throws {
        let place = try await CommandPlace.filled()
        let bare = try await place.tallyd("webhooks", "replay", "--yes")
        #expect(bare.status == 64 && bare.errors.contains("--all for every delivery"), "\(bare.errors)")
        let both = try await place.tallyd("webhooks", "replay", "--all", "--dead", "--yes")
        #expect(both.status == 64 && both.errors.contains("leave out the filters"), "\(both.errors)")
    }

    // MARK: Endpoints

    @Test(arguments: [
        ["enable", "w9"], ["disable", "w9"], ["set", "w9", "--ordered"], ["rotate-secret", "w9"], ["test", "w9"],
    ])
    func `a command for an endpoint that is not there names the list of them`(words: [String]) async throws {
        let place = try await CommandPlace.filled()
        let run = try await ToolRun.run(
            CommandPlace.program, ["webhooks"] + words + ["--database", place.database], variables: [:])
        #expect(run.status == 64)
        #expect(run.errors.contains("there is no endpoint w9: `tallyd webhooks endpoints` lists them"), "\(run.errors)")
    }

    @Test func `disable and enable change the standing and are on record`() async throws {
        let place = try await CommandPlace.filled()
        let off = try await place.tallyd("webhooks", "disable", "w1")
        #expect(off.output == "w1 is disabled; `tallyd webhooks enable w1` ends that\n")
        #expect(try place.value("SELECT standing FROM webhook_endpoints WHERE webhook_id = 'w1'") == "switched_off")
        let on = try await place.json("webhooks", "enable", "w1")
        #expect(on["standing"] as? String == "enabled" && on["failing_since"] is NSNull)
        let actions: String? = try place.value(
            "SELECT group_concat(action, ' ') FROM audit_logs WHERE resource_id = 'w1'")
        #expect(actions == "webhook.endpoint_disabled webhook.endpoint_enabled")
        let inactive = try await place.tallyd("webhooks", "enable", "w3")
        #expect(inactive.output.contains("before the gateway sets is_active"), "\(inactive.output)")
    }

    @Test func `set changes what is given and leaves the rest`() async throws {
        let place = try await CommandPlace.filled()
        let first = try await place.tallyd("webhooks", "set", "w1", "--ordered", "--in-flight", "4", "--rate", "2.5")
        #expect(first.output == "w1: cloudevents, ordered, in flight 4, rate 2.5 a second\n")
        let second = try await place.tallyd(
            "webhooks", "set", "w1", "--format", "standard", "--unordered", "--in-flight", "default", "--rate", "10")
        #expect(second.output == "w1: standard, unordered, in flight default, rate 10 a second\n")
        #expect(try place.value("SELECT standing FROM webhook_endpoints WHERE webhook_id = 'w1'") == "failing")
    }

    @Test(arguments: [
        ([], "nothing to set"), (["--in-flight", "0"], "1 to 1000"), (["--rate", "nan"], "0.001 to 100000"),
        (["--format", "xml"], "--format"), (["--ordered", "--unordered"], "--unordered"),
    ])
    func `set refuses what is no wish`(words: [String], expected: String) async throws {
        let run = try await ToolRun.run(CommandPlace.program, ["webhooks", "set", "w1"] + words, variables: [:])
        #expect(run.status == 64)
        #expect(run.errors.contains(expected), "\(run.errors)")
    }

    // MARK: Secrets

    @Test func `a new secret is printed once, stored, and the old one signs beside it`() async throws {
        let place = try await CommandPlace.filled()
        let run = try await place.tallyd("webhooks", "rotate-secret", "w1", "--overlap", "7d")
        #expect(run.status == 0, "\(run.errors)")
        // Alone, so that it can go into a file.
        #expect(run.output.split(separator: "\n").count == 1 && run.errors.contains("shown this once"), "\(run.errors)")
        let printed = try #require(run.output.split(separator: "\n").first.map(String.init))
        #expect(try WebhookSecret(printed).scheme == .hmacSHA256)
        #expect(try place.value("SELECT secret FROM webhooks WHERE id = 'w1'") == printed)
        let former: String? = try place.value("SELECT former_secrets FROM webhook_endpoints WHERE webhook_id = 'w1'")
        #expect(former?.contains("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == true)
        #expect(try await !place.tallyd("webhooks", "endpoints").output.contains(printed))
        #expect(
            try await place.tallyd("webhooks", "rotate-secret", "w1").output.split(separator: "\n").first ?? ""
                != printed)
    }

    @Test func `of an Ed25519 secret the public half alone is printed`() async throws {
        let place = try await CommandPlace.filled()
        let answer = try await place.json("webhooks", "rotate-secret", "w1", "--ed25519")
        let stored: String = try #require(try place.value("SELECT secret FROM webhooks WHERE id = 'w1'"))
        #expect(stored.hasPrefix("whsk_"))
        #expect(answer["public_key"] as? String == (try WebhookSecret(stored).publicKey?.description))
        #expect(answer["secret"] is NSNull && answer["scheme"] as? String == "v1a")
    }

    @Test func `a secret that leaked, and one that never signed, sign nothing more`() async throws {
        let place = try await CommandPlace.filled()
        let leaked = try await place.tallyd("webhooks", "rotate-secret", "w1", "--overlap", "none")
        #expect(leaked.errors.contains("the old one signs nothing more"), "\(leaked.errors)")
        let malformed = try await place.tallyd("webhooks", "rotate-secret", "w3")
        #expect(malformed.errors.contains("the old one signs nothing, as it is not base64"), "\(malformed.errors)")
        let first = try await place.tallyd("webhooks", "rotate-secret", "w2")
        #expect(first.errors.contains("it had none before"), "\(first.errors)")
        // The one of w1 that was former before among them.
        let former: Int? = try place.value("SELECT COUNT(*) FROM webhook_endpoints, json_each(former_secrets)")
        #expect(former == 0)
        let tooLong = try await place.tallyd("webhooks", "rotate-secret", "w1", "--overlap", "1000d")
        #expect(tooLong.status == 64)
    }
}
