import Foundation
import GRDB
import Testing

/// What a database says of the slots of two jobs that came round every second: read while nobody writes any more.
struct SlotLedger {
    struct Run {
        let slot: Int64
        let attempt: Int
        let state: String
        let startedAt: Int64
        let finishedAt: Int64?
        let rows: Int

        /// The rollup tries a slot five times, crashes included, so that a run which ends its daemon does not do so for ever. The next
        /// slot does the work.
        var isGivenUp: Bool { state == "crashed" && attempt == 5 }
    }

    let rollup: [Run]
    let metrics: [Run]
    /// How many rows each write of system_metrics left, by the beginning that the ids of one write share (see `MetricID`).
    let writes: [String: Int]

    init(_ place: Workplace) throws {
        (rollup, metrics, writes) = try place.read { db in
            let writes = try Row.fetchAll(db, sql: "SELECT substr(id, 1, 13), COUNT(*) FROM system_metrics GROUP BY 1")
            return (
                try Self.runs("rollup", db), try Self.runs("system_metrics", db),
                Dictionary(uniqueKeysWithValues: writes.map { ($0[0] as String, $0[1] as Int) })
            )
        }
    }

    private static func runs(_ job: String, _ db: Database) throws -> [Run] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT slot_ms, attempt, state, started_at_ms, finished_at_ms, rows
                FROM job_runs
                WHERE job = ?
                ORDER BY slot_ms
                """, arguments: [job]
        ).map { Run(slot: $0[0], attempt: $0[1], state: $0[2], startedAt: $0[3], finishedAt: $0[4], rows: $0[5]) }
    }

    /// Attempts that a crash cut, as the ledger counts them.
    var cut: Int { rollup.reduce(0) { $0 + $1.attempt - 1 + ($1.state == "crashed" ? 1 : 0) } }

    var givenUp: Int { rollup.count(where: \.isGivenUp) }

    /// No slot lost, none run twice, all in order; `idle` are those at which a daemon said that it found nothing to do.
    func expectEverySlot(_ heard: RunWitness.State, _ reigns: [(term: Int64, process: pid_t)], most kills: Int) throws {
        let (first, last) = (try #require(rollup.first), try #require(rollup.last))
        let recorded = Set(rollup.map(\.slot))
        #expect(recorded.count == rollup.count)
        #expect(rollup.allSatisfy { $0.slot % 1_000 == 0 }, "a run that no slot asked for")
        let lost = stride(from: first.slot, through: last.slot, by: 1_000).filter {
            !recorded.contains($0) && !heard.idle.contains($0)
        }
        #expect(lost.isEmpty, "lost: \(lost)")
        // Else it would be the looks that this test has seen, and not the runs.
        #expect(recorded.count * 2 > Int((last.slot - first.slot) / 1_000), "\(recorded.count) runs only")
        // Whatever ends the daemons ends the last run, too. A slot is given up when its last attempt is cut like those before.
        let open = rollup.dropLast().filter { $0.state != "succeeded" && !$0.isGivenUp }
        #expect(open.isEmpty, "\(open)")
        #expect(givenUp * 5 <= cut, "\(givenUp) slots were given up with \(cut) attempts cut, and each has five")
        // Five crashes in a row may meet any one slot, also in a run of a few.
        #expect(givenUp * 50 <= max(rollup.count, 50), "\(givenUp) slots were given up")
        #expect(["succeeded", "cancelled"].contains(last.state), "\(last)")
        let unordered = zip(rollup, rollup.dropFirst()).filter { $1.startedAt < $0.finishedAt ?? .max }
        #expect(unordered.isEmpty, "\(unordered)")

        // A line that was cut short, or not yet written, is missing; one too many can't be.
        let twice = Dictionary(grouping: heard.performed) { "\($0.job) \($0.slotMilliseconds)" }.filter { $1.count > 1 }
        #expect(twice.isEmpty, "run twice: \(twice)")
        // Else nothing could have been run twice.
        #expect(Set(heard.performed.map(\.job)) == ["rollup", "system_metrics"])
        let unknown = heard.performed.filter { $0.job == "rollup" && !recorded.contains($0.slotMilliseconds) }
        #expect(unknown.isEmpty, "run, and not recorded: \(unknown)")
        // A crash ends one run of the rollup at most, and is counted before its slot is tried again.
        #expect(cut <= kills)
        #expect(heard.crashes <= cut)

        #expect(zip(reigns, reigns.dropFirst()).allSatisfy { $0.term < $1.term }, "\(reigns)")
        let terms = Dictionary(reigns.map { ($0.process, $0.term) }, uniquingKeysWith: max)
        for job in ["rollup", "system_metrics"] {
            let order = heard.performed.filter { $0.job == job }.sorted { $0.slotMilliseconds < $1.slotMilliseconds }
                .compactMap { terms[$0.process] }
            #expect(zip(order, order.dropFirst()).allSatisfy(<=), "\(job): a lower term's run after a higher one's")
        }
    }

    /// Each run of system_metrics wrote once, and nothing was written without one.
    func expectOneWriteEach() {
        #expect(Set(metrics.map(\.slot)).count == metrics.count)
        #expect(metrics.allSatisfy { $0.slot % 1_000 == 0 && $0.state == "succeeded" && $0.attempt == 1 })
        #expect(!metrics.isEmpty)
        var written: [Int64: [Int]] = [:]
        for (beginning, rows) in writes { written[Self.time(beginning), default: []].append(rows) }
        for run in metrics { #expect(written[run.startedAt] == [run.rows], "slot \(run.slot)") }
        #expect(writes.count == metrics.count)
    }

    /// The time in a row's id: nine digits of RFC 4648's base 32 with the extended hexadecimal alphabet, lower case.
    private static func time(_ id: String) -> Int64 {
        id.utf8.prefix(9).reduce(0) { $0 << 5 | Int64($1 < 0x60 ? $1 - 0x30 : $1 - 0x61 + 10) }
    }
}
