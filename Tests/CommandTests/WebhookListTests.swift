import Foundation
import Storage
import TestSupport
import Testing

@Suite struct WebhookListTests {
    // MARK: Nothing there

    @Test(arguments: [
        ("endpoints", "the gateway enters them into webhooks"), ("events", "`tallyd webhooks send` enters one"),
        ("deliveries", "`tallyd run` makes them"), ("attempts", "`tallyd webhooks deliveries` says what waits"),
        ("dead", "no dead letter"),
    ])
    func `an empty list says where its rows would come from`(name: String, words: String) async throws {
        let run = try await CommandPlace().tallyd("webhooks", name)
        #expect(run.status == 0)
        #expect(run.output.contains(words), "\(run.output)")
    }

    @Test(arguments: ["endpoints", "events", "deliveries", "attempts", "dead"])
    func `a filter that nothing fits says how to see the others`(name: String) async throws {
        let run = try await CommandPlace.filled().tallyd("webhooks", name, "--user", "nobody")
        #expect(run.status == 0)
        #expect(run.output.contains("`tallyd webhooks \(name)` lists "), "\(run.output)")
    }

    // MARK: The whole

    @Test func `status has the queue in a line, and says where nothing is delivered`() async throws {
        let place = try await CommandPlace.filled()
        func line() async throws -> String? {
            try await place.tallyd("status").output.split(separator: "\n").first { $0.hasPrefix("webhooks") }.map(
                String.init)
        }
        let words =
            "webhooks     3 endpoints (2 disabled), 2 queued, 1 event to be queued, 1 dead letter: `tallyd webhooks dead`"
        #expect(try await line() == words)
        let lock = try OwnerLock(database: place.database, description: "tallyd run without webhooks, process 1")
        #expect(try await line() == words + "; not delivered, TALLYD_WEBHOOKS is off")
        let webhooks = try #require(try await place.json("status")["webhooks"] as? [String: Any])
        #expect(webhooks["queued"] as? Int == 2 && webhooks["delivery"] as? String == "switched_off")
        let test = try await place.tallyd("webhooks", "test", "w1", "--wait", "--timeout", "100ms")
        #expect(test.errors.contains("the daemon that runs delivers no webhooks: TALLYD_WEBHOOKS is off"))
        #expect(
            try await place.tallyd("webhooks", "test", "w1").errors
                == "tallyd: the daemon that runs delivers no webhooks: TALLYD_WEBHOOKS is off\n")
        withExtendedLifetime(lock) {}
        #expect(try await CommandPlace().tallyd("status").output.contains("webhooks") == false, "none is worth no line")
    }

    // MARK: Secrets

    @Test(arguments: [
        ["endpoints"], ["events", "--verbose"], ["deliveries"], ["attempts", "--verbose"], ["dead"],
        ["enable", "w1"], ["disable", "w1"], ["set", "w1", "--ordered"], ["test", "w1"], ["rotate-secret", "w1"],
        ["rotate-secret", "w1", "--ed25519"], ["rotate-secret", "w3"], ["replay", "--all", "--yes"], ["enable", "w3"],
    ])
    func `no command shows a secret, a url's query or a url that is refused`(words: [String]) async throws {
        let place = try await CommandPlace.filled()
        for form in [[], ["--json"]] {
            let run = try await ToolRun.run(
                CommandPlace.program, ["webhooks"] + words + form + ["--database", place.database], variables: [:])
            #expect(run.status == 0, "\(run.errors)")
            for secret in CommandPlace.secrets {
                #expect(!run.output.contains(secret) && !run.errors.contains(secret), "\(run.output)\(run.errors)")
            }
        }
    }

    // MARK: Endpoints

    @Test func `endpoints are listed with their standing and with what is wrong`() async throws {
        let output = try await CommandPlace.filled().tallyd("webhooks", "endpoints").output
        let lines = output.split(separator: "\n")
        let first = try #require(lines.first { $0.hasPrefix("w1") })
        for words in [
            "https://hooks.example.com/in ", "usage.*, invoice.paid", "failing", "v1 + 1 former",
            "2026-11-23T22:31:07.000Z", "cloudevents", "failing since 2026-11-23T23:03:20.000Z, 41 attempts",
            "next probe 2100-01-01T00:00:00.000Z",
        ] { #expect(first.contains(words), "\(words): \(first)") }
        let second = try #require(lines.first { $0.hasPrefix("w2") })
        for words in [
            "refused: url_has_userinfo", "*  ", "refused", "never", "its url has a user name",
            "last dead letter 2026-11-24T23:03:05.100Z, url_has_userinfo: mend webhooks.url, then replay",
        ] {
            #expect(second.contains(words), "\(words): \(second)")
        }
        let third = try #require(lines.first { $0.hasPrefix("w3") })
        for words in ["refused: events_not_json", "inactive", "refused: secret_not_base64", "2026-11-24T23:03:05.000Z"]
        {
            #expect(third.contains(words), "\(words): \(third)")
        }
    }

    @Test func `the JSON of endpoints has each fact under a key of its own`() async throws {
        let place = try await CommandPlace.filled()
        let list = try #require(try await place.json("webhooks", "endpoints")["endpoints"] as? [[String: Any]])
        #expect(list.map { $0["id"] as? String } == ["w1", "w2", "w3"])
        let first = list[0]
        #expect(first["url"] as? String == "https://hooks.example.com/in")
        #expect(first["url_defect"] is NSNull)
        #expect(first["events"] as? [String] == ["usage.*", "invoice.paid"])
        #expect(first["standing"] as? String == "failing")
        #expect(first["failed_attempts"] as? Int == 41)
        #expect(first["next_probe_at"] as? String == "2100-01-01T00:00:00.000Z")
        #expect(first["queued"] as? Int == 1)
        #expect((first["secret"] as? [String: Any])?["scheme"] as? String == "v1")
        #expect((first["secret"] as? [String: Any])?["former_until"] as? [String] == ["2100-01-01T00:00:00.000Z"])
        #expect((first["wishes"] as? [String: Any])?["format"] as? String == "cloudevents")
        #expect(list[1]["url"] is NSNull)
        #expect(list[1]["url_defect"] as? String == "url_has_userinfo")
        #expect(list[1]["claimed"] as? Int == 1)
        #expect((list[1]["secret"] as? [String: Any])?["is_set"] as? Bool == false)
        #expect(list[2]["active"] as? Bool == false)
        #expect(list.map { $0["standing"] as? String } == ["failing", "refused", "inactive"])
        #expect(list.map { $0["last_dead_reason"] as? String } == [nil, "url_has_userinfo", nil])
        #expect((list[2]["secret"] as? [String: Any])?["defect"] as? String == "secret_not_base64")
        let ofUser = try await place.json("webhooks", "endpoints", "--user", "ops")
        #expect((ofUser["endpoints"] as? [Any])?.count == 1)
    }

    @Test func `a url that changed beside an old secret is seen before anything is sent to it`() async throws {
        let place = try await CommandPlace.filled()
        func standing() async throws -> String? {
            let list = try await place.json("webhooks", "endpoints")["endpoints"] as? [[String: Any]]
            return list?.first?["standing"] as? String
        }
        try place.changeURL()
        #expect(try await standing() == "url_changed")
        let text = try await place.tallyd("webhooks", "endpoints").output
        #expect(text.contains("its url changed and its secret did not: if that is meant, `tallyd webhooks enable w1`"))
        // With a new secret it is a new endpoint under an old name, and its failures are not counted.
        try place.execute("UPDATE webhooks SET secret = 'another secret of a gateway' WHERE id = 'w1'")
        #expect(try await standing() == "enabled")
    }

    @Test func `what waits for an endpoint is not said to come due before that may be told again`() async throws {
        let place = try await CommandPlace.filled()
        func next() async throws -> [String?] {
            let list = try await place.json("webhooks", "deliveries", "--state", "pending")["deliveries"]
            return (list as? [[String: Any]] ?? []).map { $0["next_attempt_at"] as? String }
        }
        try place.execute("UPDATE webhook_deliveries SET next_attempt_at = 1795561386100 WHERE state = 'pending'")
        #expect(try await next() == ["2100-01-01T00:00:00.000Z"], "its endpoint's next probe")
        try place.execute(
            "UPDATE webhook_endpoints SET standing = 'enabled', next_probe_at = NULL, breaker_open_until = 4102444805000"
        )
        #expect(try await next() == ["2100-01-01T00:00:05.000Z"], "until then its endpoint is held")
        try place.execute("UPDATE webhook_endpoints SET standing = 'url_changed', breaker_open_until = NULL")
        #expect(try await next() == [nil])
        #expect(try await place.tallyd("webhooks", "deliveries", "--state", "pending").output.contains("once enabled"))
    }

    @Test func `dead letters come with what to do about each reason`() async throws {
        let place = try await CommandPlace.filled()
        try place.execute(
            """
            INSERT INTO webhook_events (id, event_type, payload) VALUES ('evt_3', 'a b', '{}'), ('evt_4', 'a', '{}');
            INSERT INTO webhook_deliveries (id, event_seq, webhook_id, state, reason, created_at, settled_at)
            VALUES (8, 3, NULL, 'dead', 'type_has_odd_character', 1795561386100, 1795561386100);
            """)
        func lines() async throws -> [String] {
            try await place.tallyd("webhooks", "dead").output.split(separator: "\n").map(String.init)
        }
        #expect(
            try await lines().dropFirst(3) == [
                "type_has_odd_character: the event itself can be told to nobody, and no replay mends it",
                "url_has_userinfo: mend webhooks.url, then replay",
                "`tallyd webhooks replay --dead` with the same filters queues again what has its event and its endpoint",
            ])
        try place.execute("DELETE FROM webhook_deliveries WHERE id = 2")
        #expect(try await lines().last?.hasPrefix("type_has_odd_character") == true, "no replay for what none mends")
        for (reason, words) in [
            ("url_not_https", "TALLYD_WEBHOOK_ALLOW_HTTP=on"), ("address_refused", "TALLYD_WEBHOOK_ALLOW names"),
            ("endpoint_gone", "`tallyd webhooks enable w1`, then replay"), ("endpoint_inactive", "set is_active"),
            ("secret_too_short", "`tallyd webhooks rotate-secret w1`"),
            ("timeout", "`tallyd webhooks attempts --endpoint w1` shows"), ("endpoint_deleted", "was deleted"),
            ("events_not_json", "mend webhooks.events"),
        ] {
            try place.execute(
                "INSERT OR REPLACE INTO webhook_deliveries (id, event_seq, webhook_id, state, reason, created_at, settled_at) VALUES (9, 4, 'w1', 'dead', ?, 1, 1)",
                [reason])
            #expect(try await lines().contains { $0.hasPrefix("\(reason): ") && $0.contains(words) }, "\(reason)")
        }
    }

    @Test(arguments: ["deliveries", "attempts", "dead"])
    func `an endpoint that never was is no empty list`(name: String) async throws {
        let place = try await CommandPlace.filled()
        let run = try await place.tallyd("webhooks", name, "--endpoint", "nosuch")
        #expect(run.status == 64)
        #expect(run.errors == "tallyd: there is no endpoint nosuch: `tallyd webhooks endpoints` lists them.\n")
        #expect(try await place.tallyd("webhooks", name, "--endpoint", "w3").status == 0)
    }

    // MARK: Events, deliveries, attempts

    @Test func `events tell how far their deliveries are`() async throws {
        let place = try await CommandPlace.filled()
        let lines = try await place.tallyd("webhooks", "events", "--verbose").output.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines[1].hasPrefix("evt_2") && lines[1].contains("1 pending, 1 claimed"), "\(lines)")
        #expect(lines[2] == "    {\"day\":\"2026-11-20\"}")
        #expect(lines[3].contains("1 delivered, 1 dead"), "\(lines)")
        for (type, count) in [("invoice.*", 1), ("invoice.paid", 1), ("invoic.*", 0)] {
            let found = try await place.json("webhooks", "events", "--type", type)["events"] as? [Any]
            #expect(found?.count == count)
        }
        let events = try #require(try await place.json("webhooks", "events")["events"] as? [[String: Any]])
        #expect(events.map { $0["fanned_out"] as? Bool } == [false, true])
        #expect(events.map { $0["payload"] as? String } == ["{\"day\":\"2026-11-20\"}", "{\"invoice\":\"i7\"}"])
        #expect((events[1]["deliveries"] as? [String: Int])?["dead"] == 1)
    }

    @Test(arguments: [
        (["--endpoint", "w1"], [3, 1]), (["--event", "evt_2"], [4, 3]), (["--user", "acme"], [2, 1]),
        (["--type", "invoice.paid"], [2, 1]), (["--type", "invoice.*"], [2, 1]), (["--type", "invoice.paid.*"], []),
        (["--state", "dead", "--state", "claimed"], [4, 2]),
        (["--delivery", "3"], [3]), (["--since", "2026-11-24T23:03:06Z"], [4, 3]),
        (["--until", "2026-11-24T23:03:06Z"], [2, 1]),
        (["--endpoint", "w1", "--event", "evt_1"], [1]),
    ])
    func `deliveries are filtered by everything that is given`(words: [String], expected: [Int]) async throws {
        let place = try await CommandPlace.filled()
        let run = try await ToolRun.run(
            CommandPlace.program, ["webhooks", "deliveries", "--json", "--database", place.database] + words,
            variables: [:])
        let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        let list = try #require(object?["deliveries"] as? [[String: Any]], "\(run.errors)")
        #expect(list.map { $0["id"] as? Int } == expected)
    }

    @Test func `a limit shows the newest and says that there are more`() async throws {
        let place = try await CommandPlace.filled()
        let text = try await place.tallyd("webhooks", "deliveries", "--limit", "3").output
        #expect(text.split(separator: "\n").count == 5)
        #expect(text.hasSuffix("there are more: --limit shows more of them, filters show others\n"))
        #expect(try await place.json("webhooks", "deliveries", "--limit", "3")["more"] as? Bool == true)
        #expect(try await place.json("webhooks", "deliveries", "--limit", "4")["more"] as? Bool == false)
    }

    @Test func `dead letters are listed with their reason and the way back`() async throws {
        let place = try await CommandPlace.filled()
        let text = try await place.tallyd("webhooks", "dead").output
        #expect(text.contains("url_has_userinfo") && text.contains("`tallyd webhooks replay --dead`"), "\(text)")
        let list = try #require(try await place.json("webhooks", "dead")["deliveries"] as? [[String: Any]])
        #expect(list.map { $0["id"] as? Int } == [2])
        #expect(list[0]["remedy"] as? String == "mend webhooks.url, then replay")
    }

    @Test func `an attempt's response is shown when asked for, without acting on the terminal`() async throws {
        let place = try await CommandPlace.filled()
        let short = try await place.tallyd("webhooks", "attempts").output
        #expect(short.contains("203.0.113.7:443") && short.contains("the receiver said 500"), "\(short)")
        #expect(!short.contains("server: odd"))
        let text = try await place.tallyd("webhooks", "attempts", "--verbose").output
        for line in [
            "    HTTP/1.1 500 Internal", "    server: odd\\u{1b}[31m", "    first", "    second \\u{1b}[2J",
            "    no response",
        ] { #expect(text.split(separator: "\n").contains(Substring(line)), "\(line): \(text)") }
        #expect(!text.contains("\u{1B}"))
    }

    @Test func `an attempt's body is text in JSON, or base64 where it is no text`() async throws {
        let place = try await CommandPlace.filled()
        let list = try #require(try await place.json("webhooks", "attempts")["attempts"] as? [[String: Any]])
        // By when they began, whenever they ended.
        #expect(list.map { $0["attempt"] as? Int } == [2, 1, 1])
        #expect(list[1]["body_base64"] as? String == "/wBB" && list[1]["body"] is NSNull)
        #expect(list[1]["status"] is NSNull && list[1]["reason"] as? String == "timeout")
        #expect(list[0]["reason"] is NSNull && list[0]["body"] is NSNull && list[0]["body_base64"] is NSNull)
        #expect(list[2]["body"] as? String == "first\nsecond \u{1B}[2J" && list[2]["body_base64"] is NSNull)
        #expect(list[2]["duration_ms"] as? Int == 12)
    }

    @Test(arguments: [
        (["events", "--since", "soon"], "neither a time such as"), (["events", "--since", "1"], "neither a time"),
        (["events", "--type", "usa*"], "has a * in it"), (["events", "--type", "*"], "has a * in it"),
        (["events", "--type", "*.*"], "has a * in it"),
        (["deliveries", "--since", "1h", "--until", "2h"], "--since is not before --until"),
        (["deliveries", "--state", "lost"], "--state"), (["attempts", "--limit", "0"], "write 1 to 10000"),
    ])
    func `a filter that means nothing is refused`(words: [String], expected: String) async throws {
        let run = try await ToolRun.run(CommandPlace.program, ["webhooks"] + words, variables: [:])
        #expect(run.status == 64)
        #expect(run.errors.contains(expected), "\(run.errors)")
    }
}
