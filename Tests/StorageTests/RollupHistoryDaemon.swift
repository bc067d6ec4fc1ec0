import GRDB
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing

/// tallyd: rolling up, sealing and purging, cut short anywhere.
extension RollupHistory {
    /// The process as it stands, or, in one case of three, a new one that starts from the file: as after a crash, with its memory lost.
    func rollup() throws -> Rolling {
        if let standing, !chance(33) { return standing }
        let fresh = try start()
        standing = fresh
        return fresh
    }

    func start() throws -> Rolling {
        let stepSeed = random.next()
        let state = Mutex(SplitMix64(seed: stepSeed))
        let steps = Allowance.Steps { state.withLock { Int.random(in: 0...3, using: &$0) == 0 } }
        let fuse = fuse
        let store = try sample.store(steps: steps) { db in fuse.watch(db) }
        return Rolling(
            rollup: Rollup(
                store: store, zone: zone,
                limits: Rollup.Limits(
                    keysPerBatch: pick(1...6), rowsPerSnapshot: Int64(pick(1...5)), readsAhead: seed % 5 == 0,
                    halvedFrom: 2)
            ) { Instant(milliseconds: 1_793_300_000_000) }, store: store)
    }

    struct Rolling {
        let rollup: Rollup
        let store: Store

        func finish() async throws { _ = try await rollup.run() }
    }

    /// Rolls up with the gateway acting wherever the rollup is between two bites; cut short, it ends at a random bite, or in the middle of a
    /// random operation of SQLite's. What comes next may be the same process, or a new one that starts from the file.
    func rollUp(cut: Bool) async {
        log.append("roll up, cut: \(cut)")
        do {
            let rolling = try rollup()
            let bites = cut && chance(50) ? pick(0...12) : Int.max
            if cut, bites == .max { fuse.light(pick(1...6_000)) }
            defer { fuse.light(-1) }
            let counter = Mutex(0)
            _ = try await rolling.rollup.run(
                shouldStop: { [self] in
                    // Reading ahead asks from a task of its own.
                    counter.withLock {
                        if chance(40) {
                            do { try act(times: pick(1...2)) } catch { fail("the gateway failed: \(error)") }
                        }
                        $0 += 1
                        return $0 > bites || $0 > 400
                    }
                })
        } catch {
            log.append("cut: \(error)")
        }
    }

    /// Seals a day, and perhaps purges it, perhaps not to the end.
    func closeADay() async throws {
        let dates = Set(oracle.rows.values.compactMap(\.date)).sorted()
        guard let date = dates.randomElement(using: &random), let day = Day(date) else { return }
        let rolling = try rollup()
        try await rolling.finish()
        let sealing = DaySealing(store: rolling.store, zone: zone)
        let refusal = try await sealing.seal(day, now: Instant(milliseconds: 1))
        if refusal == nil { closed.insert(date) }
        log.append("seal \(date): \(String(describing: refusal))")
        if let refusal, refusal != .alreadyClosed {
            let report = try await Verification(store: rolling.store, zone: zone).run()
            fail("a finished rollup, and \(date) can't be sealed: \(refusal); \(report.drifts)")
        }
        guard closed.contains(date), chance(70) else { return }
        if chance(50) { try act(times: 3) }
        let purge = DayPurge(store: rolling.store, zone: zone)
        let holds = RetentionHolds(store: rolling.store)
        let heldUser = chance(30) ? oracle.rows.values.map(\.user).sorted().randomElement(using: &random) : nil
        let hold =
            if let heldUser {
                try await holds.add(
                    RetentionHolds.Scope(user: heldUser, from: chance(50) ? day : nil), reason: "test", endsAt: nil,
                    now: Instant(milliseconds: 2))
            } else { nil as RetentionHolds.Hold? }
        if chance(40) { fuse.light(pick(1...2_000)) }
        let terms = DayPurge.Terms(now: Instant(milliseconds: 2), run: "1")
        let isArchived = chance(50)
        do {
            if isArchived {
                _ = try await purge.purge(day, terms, by: try await archive(of: day, terms, rolling))
            } else {
                _ = try await purge.purge(day, terms)
            }
        } catch {
            log.append("purge cut: \(error)")
        }
        fuse.light(-1)
        let left = Set(try sample.rows("SELECT id FROM usage_logs").compactMap { Int64.fromDatabaseValue($0[0]) })
        for id in oracle.rows.keys where !left.contains(id) && oracle.rows[id]?.isPurged == false {
            oracle.rows[id]?.isPurged = true
            if isArchived { archived.insert(id) }
            let isHeld = heldUser != nil && oracle.rows[id]?.user == heldUser
            if oracle.rows[id]?.date != date || oracle.rows[id]?.isOdd == true || isHeld {
                Issue.record(
                    "seed \(seed): the purge of \(date) took row \(id): \(String(describing: oracle.rows[id]))")
            }
        }
        if let hold { _ = try await holds.release(hold.id, now: Instant(milliseconds: 3)) }
        try await lookForLostRows(rolling.store)
        if chance(30) { try await restore(day, rolling.store) }
        log.append("purged \(date), held \(heldUser ?? "nobody")")
    }
}
