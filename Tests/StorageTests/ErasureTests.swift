import Foundation
import GRDB
import Scheduling
import Testing

@testable import Storage

/// A person goes from every table and every archive, and every total stays.
@Suite struct ErasureTests {
    private let sample: SampleDatabase
    private let person = SampleDatabase.person

    init() throws {
        sample = try SampleDatabase()
    }

    private func prepare() async throws {
        try sample.settle()
        try await sample.use()
        try await sample.rollUp()
        try await sample.retain()
    }

    @Test func `every table of the schema has its rule`() throws {
        let tables = try sample.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .compactMap { String.fromDatabaseValue($0[0]) }
        #expect(Set(tables) == Set(ErasureRule.all.map(\.table)))
        #expect(tables.count == ErasureRule.all.count, "one twice")
        for table in tables {
            let columns = try sample.gateway.read { db in try db.columns(in: table).map(\.name) }
            guard columns.contains("user_id"), case .nobodys = try #require(ErasureRule.of(table)).treatment else {
                continue
            }
            Issue.record("\(table) has a user_id, and its rule says that it is nobody's")
        }
    }

    @Test func `nothing of a person is left anywhere, and every total is what it was`() async throws {
        try await prepare()
        let before = try sample.totals()
        let others = try sample.rows("SELECT * FROM usage_logs WHERE user_id <> 'quill-person-77' ORDER BY id")
        #expect(try sample.places(of: person).count > 20, "the search finds them")
        let outcome = try await sample.erasure(try sample.store()).run()
        #expect(outcome.isComplete && outcome.requests > 20)
        #expect(try sample.places(of: person) == [])
        #expect(try !sample.isInFile(person))
        let pseudonym = outcome.pseudonym
        #expect(pseudonym.hasPrefix("erased-") && pseudonym.count == 39)
        #expect(try sample.totals() == renamed(before, pseudonym))
        #expect(
            try sample.rows("SELECT * FROM usage_logs WHERE user_id = '\(SampleDatabase.other)' ORDER BY id") == others)
        let report = try await Verification(store: try sample.store(), zone: .utc).run()
        #expect(report.isClean)
        // What stays of the others.
        #expect(try sample.value("SELECT COUNT(*) FROM messages") == 1)
        #expect(
            try sample.value("SELECT target_users FROM feature_flags WHERE id = 'f-1'") == #"["somebody-else","third"]"#
        )
        #expect(
            try sample.value("SELECT metadata FROM conversations") == "{\"with\": [\"\(pseudonym)\", 1.50]}")
        #expect(
            try sample.value(
                "SELECT COUNT(*) FROM usage_logs WHERE ip_address IS NOT NULL AND user_id = ?", [pseudonym]) == 0)
        for table in ["webhook_deliveries", "webhook_attempts"] {
            #expect(try sample.value("SELECT COUNT(*) FROM \(table)") == 2, "the other's")
        }
        #expect(try sample.value("SELECT group_concat(webhook_id) FROM webhook_endpoints") == "w-somebody-else")
        #expect(
            try sample.value(
                "SELECT COUNT(*) FROM webhook_events WHERE payload = json_object('friend', ?)", [pseudonym])
                == 3, "nobody's may name the person too")
        // The receipt.
        let receipt: String? = try sample.value(
            "SELECT metadata FROM audit_logs WHERE action = 'user.erased' AND user_id = 'tallyd' AND resource_id = ?",
            [pseudonym])
        #expect(receipt?.contains("\"archive_files\":\"10\"") == true, "\(receipt ?? "")")
        #expect(try sample.value("SELECT user_id IS NULL AND ended_at_ms IS NOT NULL FROM erasures") == true)
    }

    private func renamed(_ totals: [Oracle.Key: Oracle.Total], _ pseudonym: String) -> [Oracle.Key: Oracle.Total] {
        totals.reduce(into: [:]) { result, pair in
            let user = pair.key.user == person ? pseudonym : pair.key.user
            result[Oracle.Key(date: pair.key.date, user: user, model: pair.key.model)] = pair.value
        }
    }

    @Test func `archives keep their rows and sums, and come back without being counted again`() async throws {
        try await prepare()
        let before = try await ArchiveManifest(store: try sample.store()).list()
        let outcome = try await sample.erasure(try sample.store()).run()
        let after = try await ArchiveManifest(store: try sample.store()).list()
        #expect(after.map(\.digest.rows) == before.map(\.digest.rows))
        #expect(after.map(\.sums) == before.map(\.sums))
        for (old, new) in zip(before, after) {
            try ArchiveReader.verify(path: new.path, expected: new.digest)
            #expect(try ArchiveSidecar.read(for: new.path).digest == new.digest)
            #expect(old.path == new.path || !FileManager.default.fileExists(atPath: old.path))
        }
        let totals = try sample.totals()
        _ = try await ArchiveRestore(into: try sample.store()).restore(after, isOrigin: true)
        try await sample.rollUp()
        #expect(try sample.totals() == totals)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs WHERE user_id = ?", [outcome.pseudonym]) ?? 0 > 0)
        #expect(try sample.places(of: person) == [])
    }

    @Test func `a dry run changes nothing, and tells of everything`() async throws {
        try await prepare()
        let before = try sample.rows("SELECT * FROM usage_logs ORDER BY id")
        let version: Int64? = try sample.value("PRAGMA data_version")
        let plan = try await sample.erasure(try sample.store()).plan()
        #expect(plan.obstacles == [] && plan.hasAnything && plan.archives.count == 10)
        let rows = Dictionary(uniqueKeysWithValues: plan.tables.map { ($0.name, $0.rows) })
        #expect(rows["messages"] == 3 && rows["api_keys"] == 1 && rows["audit_logs"] == 1)
        #expect(plan.tables.first { $0.name == "system_metrics" }?.naming == 1)
        #expect(try sample.rows("SELECT * FROM usage_logs ORDER BY id") == before)
        #expect(try sample.value("PRAGMA data_version") == version)
    }

    @Test func `a person whom nobody knows is no error, and leaves no trace`() async throws {
        try await prepare()
        let outcome = try await sample.erasure(of: "stranger", try sample.store()).run()
        #expect(outcome == Erasure.Outcome())
        #expect(try sample.value("SELECT COUNT(*) FROM erasures") == 0)
    }

    @Test func `this program's own name, an empty one and a pseudonym are refused`() async throws {
        try await prepare()
        let outcome = try await sample.erasure(try sample.store()).run()
        for name in ["", "tallyd", outcome.pseudonym, String(repeating: "x", count: 1_025)] {
            await expectStorageError(.failed) { try await sample.erasure(of: name, try sample.store()).run() }
        }
    }

    // MARK: What 1.0.0 counted, and what comes meanwhile

    @Test func `figures of 1.0.0 go to the pseudonym as they are`() async throws {
        try sample.execute(
            """
            INSERT INTO daily_usage_stats (id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate, cost_nanos)
            VALUES ('x', '2026-01-05', ?1, 'alpha', 9, 90, 0.25, 12.5, 88.9, 250000000), ('y', '2026-01-05', ?1, NULL, 9, 90, 0.25, 12.5, 88.9, 250000000)
            """, [person])
        try sample.insert(user: person, at: "2026-01-05 10:00:00")
        let outcome = try await sample.erasure(try sample.store()).run()
        #expect(outcome.requests == 18)
        let row = try sample.rows(
            "SELECT total_requests, total_cost, avg_latency, success_rate, source FROM daily_usage_stats WHERE model = 'alpha'"
        )
        #expect(
            row == [
                [9.databaseValue, 0.25.databaseValue, 12.5.databaseValue, 88.9.databaseValue, "adopted".databaseValue]
            ])
        #expect(try sample.places(of: person) == [])
    }

    @Test func `rows that come, change and go meanwhile are told apart, and counted`() async throws {
        try await prepare()
        let (sample, person) = (sample, person)
        let acts = Countdown(40)
        let ids = try sample.rows("SELECT id FROM usage_logs WHERE user_id = 'quill-person-77' ORDER BY id").compactMap
        {
            Int64.fromDatabaseValue($0[0])
        }
        let before = try sample.totals().values.reduce(0) { $0 + $1.requests }
        let outcome = try await sample.erasure(try sample.store(steps: Allowance.Steps { true })).run(shouldStop: {
            guard !acts.isOver() else { return false }
            do {
                try sample.insert(user: person, at: "2026-11-20 11:00:00")
                try sample.execute("UPDATE usage_logs SET cost = cost + 0.125 WHERE id = ?", [ids[1]])
                try sample.execute("DELETE FROM usage_logs WHERE id = ?", [ids[0]])
            } catch { Issue.record("the gateway failed: \(error)") }
            return false
        })
        // Those before the first figures were taken are in them.
        #expect(outcome.isComplete && outcome.requestsOfOthers > 20 && outcome.requestsOfOthers < 40)
        #expect(try sample.places(of: person) == [])
        let after = try sample.totals()
        #expect(after.values.reduce(0) { $0 + $1.requests } == before + 40 - 1)
        #expect(
            after.filter { $0.key.user == outcome.pseudonym }.values.reduce(0) { $0 + $1.requests }
                == Int(outcome.requests))
        #expect(try await Verification(store: try sample.store(), zone: .utc).run().isClean)
    }

    /// Log entries of the gateway's kept the rollup from deriving the day before the first figures were taken.
    @Test(arguments: [(stored: Int64(886_601), differs: false), (stored: 40, differs: true)])
    func `a greatest latency of rows that were corrected is no difference, a lost one is`(
        stored: Int64, differs: Bool
    ) async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        try sample.insert(user: "u", latency: 78)
        _ = try await sample.rollup().run()
        try sample.execute("UPDATE daily_usage_stats SET latency_max_ms = ?", [stored])
        try sample.execute("INSERT INTO rollup_dirty_days (date) SELECT date FROM daily_usage_stats")
        let proof = try await store.writer.write("begin") { db, _ in
            try ErasureProof(
                db, record: try ErasureRecord.findOrBegin("u", now: Instant(milliseconds: 1), db), zone: .utc)
        }
        #expect(try await sample.rollup().run().daysDerived == 1)
        let differences = try await store.read { db in try proof.compare(db).differences }
        #expect(differences.isEmpty != differs, "\(differences)")
    }

    @Test func `a total that is changed by hand meanwhile fails the erasure, by its name`() async throws {
        try await prepare()
        let sample = sample
        let first = Countdown(3)
        let error = await expectStorageError(.totalsDiffer) {
            try await sample.erasure(try sample.store()).run(shouldStop: {
                if first.isOver() {
                    do {
                        try sample.execute(
                            "UPDATE daily_usage_stats SET cost_nanos = cost_nanos + 1 WHERE date = '2026-11-12'")
                    } catch { Issue.record("\(error)") }
                }
                return false
            })
        }
        #expect(error?.cause.contains("2026-11-12") == true && error?.cause.contains("cost_nanos") == true)
        #expect(try sample.value("SELECT COUNT(*) FROM audit_logs WHERE action = 'user.erased'") == 0)
    }
}
