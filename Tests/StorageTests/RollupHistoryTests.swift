import Foundation
import GRDB
import GRDBSQLite
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing

/// Random histories on the real code and a real file, against the oracle: rows that are late, odd, corrected, moved and removed at every
/// place where the rollup lets go of the database, days sealed and purged, and the rollup cut short in the middle of any statement.
@Suite struct `Rollup histories` {
    @Test func `no history of inserts, corrections, removals, purges and failures gives a wrong total`() async throws {
        let count = Suite.histories
        let base = Suite.seed
        // Two at a time: one core each.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<2 {
                group.addTask {
                    for number in stride(from: lane, to: count, by: 2) {
                        try await History(seed: base &+ UInt64(number)).run()
                        if number % 5_000 == 4_999 { print("rollup histories: \(number + 1) begun") }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    enum Suite {
        /// 300 in CI, 100,000 in the long suite.
        static var histories: Int {
            let environment = ProcessInfo.processInfo.environment
            if let count = environment["TALLYD_TEST_HISTORIES"].flatMap(Int.init) { return count }
            return environment["TALLYD_TEST_LONG"] == "1" ? 100_000 : 300
        }

        static let seed: UInt64 = {
            let given = ProcessInfo.processInfo.environment["TALLYD_TEST_SEED"].flatMap(UInt64.init)
            let seed = given ?? UInt64.random(in: 0..<1_000_000_000)
            print("rollup histories: first seed \(seed); TALLYD_TEST_SEED=N repeats")
            return seed
        }()
    }
}

/// One history. `@unchecked Sendable`: its state is touched by one task at a time, also where the rollup calls back between two bites.
private final class History: @unchecked Sendable {
    private let seed: UInt64
    private var random: SplitMix64
    private var oracle = Oracle()
    private let sample: SampleDatabase
    private let zone: Zone
    private var closed: Set<String> = []
    private let fuse = Fuse()
    private var log: [String] = []
    private var standing: Rolling?

    /// Fails SQLite's virtual machine after a set number of its operations, in whatever statement it then is.
    private final class Fuse: Sendable {
        private let left = Mutex(-1)

        func light(_ operations: Int) { left.withLock { $0 = operations } }

        func burn() -> Bool {
            left.withLock {
                guard $0 >= 0 else { return false }
                $0 -= 1
                return $0 < 0
            }
        }
    }

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix64(seed: seed)
        sample = try SampleDatabase()
        let zones = ["UTC", "UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]
        zone = Zone(zones[Int(seed % UInt64(zones.count))]) ?? .utc
    }

    private func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    private func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }

    func run() async throws {
        for _ in 0..<pick(4...14) {
            switch pick(1...10) {
            case 1...3: try act(times: pick(1...12))
            case 4...8: await rollUp(cut: chance(60))
            case 9: try await closeADay()
            default: try await verify()
            }
        }
        fuse.light(-1)
        try await rollup().finish()
        try compare()
        try await verify()
    }

    // MARK: The gateway

    private func act(times: Int) throws {
        for _ in 0..<times {
            let live = oracle.rows.filter { !$0.value.isPurged }.keys.sorted()
            switch pick(1...10) {
            case 1...5: try insert()
            case 6...8: if let id = live.randomElement(using: &random) { try update(id) }
            case 9: if let id = live.randomElement(using: &random) { try remove(id) }
            default: if let id = live.randomElement(using: &random) { try moveAway(id) }
            }
        }
    }

    private func randomRow() -> Oracle.Row {
        Oracle.Row(
            user: ["ann", "bob", "a-b", ""][pick(0...3)], model: ["alpha", "beta", "gamma", "b-gamma"][pick(0...3)],
            input: Int64(pick(0...3000)), output: Int64(pick(0...3000)), total: chance(20) ? Int64(pick(0...9000)) : 0,
            costNanos: chance(50) ? Int64(pick(1...5_000_000_000)) : 0,
            latency: Int64(chance(80) ? pick(0...300) : pick(0...900_000)),
            success: chance(80), date: nil)
    }

    /// Five days around a change of the clocks, in many written forms. Returns what is written and the day that it means.
    private func randomTime() -> (DatabaseValue, String?) {
        if chance(6) {
            return (
                ["yesterday", "2026-02-31", "", "2026-10-25T25:00:00Z", "20261025"].randomElement(using: &random)?
                    .databaseValue ?? .null, nil
            )
        }
        let seconds = 1_792_800_000 + pick(0...432_000)  // from 2026-10-24 00:00 UTC
        let date = Date(timeIntervalSince1970: Double(seconds))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone.timeZone
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        let day = String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
        func text(_ offset: Int, _ format: String) -> String {
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = TimeZone(secondsFromGMT: offset)
            formatter.dateFormat = format
            return formatter.string(from: date)
        }
        switch pick(1...8) {
        case 1...3: return (text(0, "yyyy-MM-dd'T'HH:mm:ss.123'Z'").databaseValue, day)
        case 4...5: return (text(0, "yyyy-MM-dd HH:mm:ss").databaseValue, day)
        case 6: return (text(7200, "yyyy-MM-dd'T'HH:mm:ss'+02:00'").databaseValue, day)
        case 7: return (seconds.databaseValue, day)
        default: return ((Int64(seconds) * 1000 + 999).databaseValue, day)
        }
    }

    private func insert() throws {
        var row = randomRow()
        let (time, date) = randomTime()
        row.date = date
        let tokens: any DatabaseValueConvertible = chance(4) ? -5 : row.input
        if tokens as? Int == -5 { row.isOdd = true }
        let id = try sample.insert(
            user: row.user, model: row.model, input: tokens, output: row.output, total: row.total,
            cost: Double(row.costNanos) / 1e9, latency: row.latency, status: row.success ? "success" : "error", at: time
        )
        oracle.rows[id] = row
        log.append("insert \(id) \(row)")
    }

    private func update(_ id: Int64) throws {
        guard var row = oracle.rows[id] else { return }
        let other = randomRow()
        switch pick(1...7) {
        case 1:
            row.costNanos = other.costNanos
            try sample.execute("UPDATE usage_logs SET cost = ? WHERE id = ?", [Double(row.costNanos) / 1e9, id])
        case 2:
            row.success.toggle()
            try sample.execute(
                "UPDATE usage_logs SET status = ? WHERE id = ?", [row.success ? "success" : "timeout", id])
        case 3:
            row.input = other.input
            row.output = other.output
            row.total = other.total
            row.isOdd = false
            try sample.execute(
                "UPDATE usage_logs SET input_tokens = ?, output_tokens = ?, total_tokens = ? WHERE id = ?",
                [row.input, row.output, row.total, id])
        case 4:
            row.user = other.user
            row.model = other.model
            try sample.execute("UPDATE usage_logs SET user_id = ?, model = ? WHERE id = ?", [row.user, row.model, id])
        case 5:
            row.latency = other.latency
            try sample.execute("UPDATE usage_logs SET latency = ? WHERE id = ?", [row.latency, id])
        case 6:
            let (time, date) = randomTime()
            row.date = date
            try sample.execute("UPDATE usage_logs SET created_at = ? WHERE id = ?", [time, id])
        default:
            row.isOdd = true
            try sample.execute("UPDATE usage_logs SET input_tokens = 'many' WHERE id = ?", [id])
        }
        oracle.rows[id] = row
        log.append("update \(id) \(row)")
    }

    private func remove(_ id: Int64) throws {
        try sample.execute("DELETE FROM usage_logs WHERE id = ?", [id])
        oracle.rows[id] = nil
        log.append("delete \(id)")
    }

    /// A row gets another id, above all others.
    private func moveAway(_ id: Int64) throws {
        // Above purged rows too: two rows of one id would be one in the oracle's dictionary.
        let last = oracle.rows.keys.max() ?? 0
        let target = last + Int64(pick(1...3))
        try sample.execute("UPDATE usage_logs SET id = ? WHERE id = ?", [target, id])
        oracle.rows[target] = oracle.rows.removeValue(forKey: id)
        log.append("move \(id) to \(target)")
    }

    // MARK: tallyd

    /// The process as it stands, or, in one case of three, a new one that starts from the file: as after a crash, with its memory lost.
    private func rollup() throws -> Rolling {
        if let standing, !chance(33) { return standing }
        let fresh = try start()
        standing = fresh
        return fresh
    }

    private func start() throws -> Rolling {
        let stepSeed = random.next()
        let state = Mutex(SplitMix64(seed: stepSeed))
        let steps = Allowance.Steps { state.withLock { Int.random(in: 0...3, using: &$0) == 0 } }
        let fuse = fuse
        let store = try sample.store(steps: steps) { db in
            let context = Unmanaged.passUnretained(fuse).toOpaque()
            sqlite3_progress_handler(
                db.sqliteConnection, 1,
                { Unmanaged<Fuse>.fromOpaque($0.unsafelyUnwrapped).takeUnretainedValue().burn() ? 1 : 0 }, context)
        }
        return Rolling(
            rollup: Rollup(
                store: store, zone: zone,
                limits: Rollup.Limits(
                    keysPerBatch: pick(1...6), rowsPerSnapshot: Int64(pick(1...5)), readsAhead: seed % 5 == 0,
                    halvedFrom: 2)
            ) { Instant(milliseconds: 1_793_300_000_000) }, store: store)
    }

    private struct Rolling {
        let rollup: Rollup
        let store: Store

        func finish() async throws { _ = try await rollup.run() }
    }

    /// Rolls up with the gateway acting wherever the rollup is between two bites; cut short, it ends at a random bite, or in the middle of a
    /// random operation of SQLite's. What comes next may be the same process, or a new one that starts from the file.
    private func rollUp(cut: Bool) async {
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
    private func closeADay() async throws {
        let dates = Set(oracle.rows.values.compactMap(\.date)).sorted()
        guard let date = dates.randomElement(using: &random), let day = Day(date) else { return }
        let rolling = try rollup()
        try await rolling.finish()
        let sealing = DaySealing(store: rolling.store, zone: zone)
        let refusal = try await sealing.seal(day, now: Instant(milliseconds: 1))
        if refusal == nil { closed.insert(date) }
        log.append("seal \(date): \(String(describing: refusal))")
        if let refusal, refusal != .alreadyClosed {
            Issue.record("seed \(seed): a finished rollup, and \(date) can't be sealed: \(refusal)")
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

    // MARK: Archives

    /// Rows that went by an archive.
    private var archived: Set<Int64> = []
    private var archiveFolder: String { sample.folder.appending(path: "archive").path }

    /// One whose files may fail, and whose newest part may have been written before rows were corrected, or damaged since.
    private func archive(of day: Day, _ terms: DayPurge.Terms, _ rolling: Rolling) async throws -> DayArchive {
        if chance(30) {
            let early = DayArchive(store: rolling.store, zone: zone, term: nil, folder: archiveFolder)
            let known = try await ArchiveManifest(store: rolling.store).list(day...day).last?.part ?? 0
            let part = try await early.prepare(day, terms, anew: chance(50))
            // Only one that no row has gone by yet.
            if let part, part.part > known, chance(30) {
                var bytes = Array(try Data(contentsOf: URL(filePath: part.path)))
                bytes[pick(0...bytes.count - 1)] ^= UInt8(1 << pick(0...7))
                try Data(bytes).write(to: URL(filePath: part.path))
                damaged.insert(part.path)
                log.append("damaged \(part.path)")
            } else if chance(50) {
                try act(times: 2)
                try await rolling.finish()
            }
        }
        let files =
            chance(50)
            ? FaultyFiles(.call(pick(1...40), code: [EIO, ENOSPC, EACCES].randomElement(using: &random) ?? EIO)).files
            : ArchiveFiles.system
        return DayArchive(store: rolling.store, zone: zone, term: nil, folder: archiveFolder, files: files)
    }

    private var damaged: Set<String> = []

    /// Every row that went by an archive is in one that can be read to its end.
    private func lookForLostRows(_ store: Store) async throws {
        var kept: Set<Int64> = []
        for part in try await ArchiveManifest(store: store).list() where !damaged.contains(part.path) {
            try ArchiveReader.verify(path: part.path, expected: part.digest)
            let decoder = ArchiveLine(columns: try ArchiveSidecar.read(for: part.path).columns)
            try ArchiveReader(path: part.path).forEachLine { line in
                if case .integer(let id) = try decoder.values(of: line)[0] { kept.insert(id) }
            }
        }
        if let lost = archived.first(where: { !kept.contains($0) }) {
            fail("row \(lost) went, and no archive has it")
        }
    }

    private func restore(_ day: Day, _ store: Store) async throws {
        let parts = try await ArchiveManifest(store: store).list(day...day).filter { !damaged.contains($0.path) }
        guard !parts.isEmpty else { return }
        let outcome = try await ArchiveRestore(into: store).restore(parts, isOrigin: true)
        log.append("restored \(outcome.restored) rows of \(day)")
    }

    private func verify() async throws {
        let rolling = try rollup()
        try await rolling.finish()
        let report = try await Verification(store: rolling.store, zone: zone).run()
        if !report.isClean { fail("verify finds drift: \(report.drifts)") }
    }

    // MARK: Comparing

    private func compare() throws {
        var expected = oracle.totals()
        var stored = try sample.gateway.read { db in try Oracle.stored(db) }
        // Of a day that was sealed, the greatest latency ever seen stands, also when its row is gone.
        for (key, total) in stored where closed.contains(key.date) {
            if total.latencyMax >= expected[key]?.latencyMax ?? 0 {
                stored[key]?.latencyMax = 0
                expected[key]?.latencyMax = 0
            }
        }
        if stored != expected {
            for key in Set(stored.keys).union(expected.keys).sorted() where stored[key] != expected[key] {
                fail("\(key): stored \(String(describing: stored[key])), expected \(String(describing: expected[key]))")
            }
        }
        let rejected = Set(
            try sample.rows("SELECT row_id FROM usage_rejects").compactMap { Int64.fromDatabaseValue($0[0]) })
        if rejected != oracle.rejected { fail("set aside \(rejected.sorted()), expected \(oracle.rejected.sorted())") }
        try compareHistograms()
        try compareViews(expected)
    }

    private func compareHistograms() throws {
        var expected: [String: Int] = [:]
        for (place, latencies) in oracle.latencies() {
            for (latency, requests) in latencies {
                expected["\(place) \(LatencyBuckets.bucket(of: latency))", default: 0] += requests
            }
        }
        var stored: [String: Int] = [:]
        for row in try sample.rows(
            "SELECT date || ' ' || model || ' ' || key, value FROM usage_latency_histograms, json_each(buckets)")
        {
            stored[String.fromDatabaseValue(row[0]) ?? ""] = Int.fromDatabaseValue(row[1])
        }
        if stored != expected { fail("histograms: stored \(stored), expected \(expected)") }
    }

    private func compareViews(_ totals: [Oracle.Key: Oracle.Total]) throws {
        let requests: Int = try sample.value("SELECT COALESCE(SUM(total_requests), 0) FROM user_usage_summary") ?? -1
        let tokens: Int64 = try sample.value("SELECT COALESCE(SUM(total_tokens), 0) FROM model_usage_stats") ?? -1
        let nanos: Int64 = try sample.value("SELECT COALESCE(SUM(cost_nanos), 0) FROM usage_daily") ?? -1
        if requests != totals.values.reduce(0, { $0 + $1.requests }) {
            fail("user_usage_summary: \(requests) requests")
        }
        if tokens != totals.values.reduce(0, { $0 + $1.tokens }) { fail("model_usage_stats: \(tokens) tokens") }
        if Decimal(nanos) != totals.values.reduce(0, { $0 + $1.cost }) { fail("usage_daily: \(nanos) nano-dollars") }
    }

    private func fail(_ text: String) {
        Issue.record("seed \(seed) in \(zone): \(text)\n  \(log.suffix(40).joined(separator: "\n  "))")
    }
}
