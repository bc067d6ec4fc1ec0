import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing

/// Random rows of audit_logs in every form that a time is written in, random policies, holds and overrides, runs that are cut, with and without
/// archives whose files fail and whose command fails or takes them away: what goes is exactly what a dictionary of plain numbers says, and stands in
/// an archive where there are some.
@Suite struct RetentionHistoryTests {
    private static let hour: Int64 = 3_600_000
    private static let start: Int64 = 1_795_000_000_000  // 2026-11-18T10:26:40Z

    private struct Row {
        let user: String
        /// Nil: nobody can read it.
        let milliseconds: Int64?
    }

    /// A time as gateways and imports write it, of a second that is told as milliseconds.
    private static func written(_ milliseconds: Int64, _ form: Int) -> any DatabaseValueConvertible {
        let text = Instant(milliseconds: milliseconds).description  // 2026-11-18T10:26:40.000Z
        let plain = String(text.prefix(19))
        switch form {
        case 0: return text
        case 1: return plain.replacing("T", with: " ")
        case 2:
            let shifted = String(Instant(milliseconds: milliseconds + 2 * hour).description.prefix(19))
            return shifted + "+02:00"
        case 3:
            let shifted = String(Instant(milliseconds: milliseconds - 5 * hour).description.prefix(19))
            return shifted.replacing("T", with: " ") + "-05:00"
        case 4: return milliseconds / 1_000
        case 5: return milliseconds
        default: return Double(milliseconds) / 1_000
        }
    }

    private static let histories = ProcessInfo.processInfo.environment["TALLYD_TEST_LONG"] == "1" ? 2_000 : 60

    @Test func `what goes is what is old, is not held and was not promised a longer time`() async throws {
        for seed in 0..<UInt64(Self.histories) {
            var random = SplitMix64(seed: seed &+ 20_261_126)
            let sample = try SampleDatabase()
            try sample.execute("DELETE FROM audit_logs")
            func pick(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }
            var rows: [String: Row] = [:]
            let count = pick(1...60)
            for number in 0..<count {
                let id = "r\(number)"
                let user = "u\(pick(0...2))"
                let milliseconds = Self.start - pick(0...240) * Self.hour / 2
                let isOdd = pick(0...19) == 0
                rows[id] = Row(user: user, milliseconds: isOdd ? nil : milliseconds)
                try sample.execute(
                    "INSERT INTO audit_logs (id, user_id, action, resource_type, created_at) VALUES (?, ?, 'x', 'y', ?)",
                    [id, user, isOdd ? "yesterday" : Self.written(milliseconds, Int(pick(0...6)))])
            }
            let store = try sample.store()
            // Above a day: the newest row then stays, and cut runs all believe the clock as far as one.
            let period = Duration.seconds(pick(25...100) * 3_600)
            var overrides: [String: Duration?] = [:]
            if pick(0...2) == 0 {
                let terms: Duration? = pick(0...1) == 0 ? nil : .seconds(pick(25...100) * 3_600)
                overrides["u0"] = terms
                try await RetentionOverrides(store: store).set(
                    terms.map { .limited($0) } ?? .forever, for: "u0", in: .auditLogs, now: Instant(milliseconds: 0))
            }
            var hold: RetentionHolds.Scope?
            if pick(0...2) == 0 {
                let day = Day(
                    Instant(milliseconds: Self.start - pick(0...5) * 24 * Self.hour).description.prefix(10).description)
                let scope = RetentionHolds.Scope(
                    user: pick(0...1) == 0 ? "u1" : nil, table: pick(0...1) == 0 ? .auditLogs : nil, from: day,
                    through: pick(0...1) == 0 ? day : nil)
                hold = scope
                _ = try await RetentionHolds(store: store).add(
                    scope, reason: "test", endsAt: nil, now: Instant(milliseconds: Self.start))
            }
            // Lines of tallyd's own, such as the hold's, are no witnesses.
            let now = pick(0...3) == 0 ? Int64(2_147_483_647_000) : Self.start + pick(-10...10) * Self.hour
            let believed = rows.values.compactMap(\.milliseconds).max().map { min(now, $0 + 24 * Self.hour) }
            var steps = SplitMix64(seed: seed)
            let isArchived = pick(0...1) == 0
            let folder = sample.folder.appending(path: "archive").path
            let policies = RetentionPolicies(
                periods: [.auditLogs: .limited(period)], largestShare: 1, archiveFolder: isArchived ? folder : nil,
                archiveTables: [.auditLogs])
            let keeper = Keeper(pick(0...2) == 0 ? nil : seed)
            var isComplete = false
            var runs = 0
            while !isComplete, runs < 200 {
                runs += 1
                let stopsAfter = Int.random(in: 1...8, using: &steps)
                let countdown = Countdown(stopsAfter)
                // A small bite at a time, so that runs are cut between any two.
                let cut = try sample.store(steps: Allowance.Steps { true })
                let files =
                    Int.random(in: 0...3, using: &steps) == 0
                    ? FaultyFiles(.call(Int.random(in: 1...60, using: &steps), code: EIO)).files : ArchiveFiles.system
                let outcome = try await RetentionRun(
                    store: cut, zone: .utc, term: nil, policies: policies, files: files, handover: keeper.handover
                ).run(
                    run: "\(runs)", now: Instant(milliseconds: now), shouldStop: { countdown.isOver() }, progress: {})
                isComplete = outcome.isComplete && outcome.tables.allSatisfy { $0.failure == nil }
            }
            let left = Set(
                try sample.rows("SELECT id FROM audit_logs WHERE action = 'x'").compactMap {
                    String.fromDatabaseValue($0[0])
                })
            let kept = isArchived ? try await keeper.ids(store) : []
            for (id, row) in rows where isArchived && !left.contains(id) {
                #expect(kept.contains(id), "seed \(seed): \(id) \(row) went, and no archive has it")
            }
            for (id, row) in rows {
                let goes: Bool
                if let milliseconds = row.milliseconds, let believed {
                    let terms = overrides[row.user] ?? period
                    let day = Instant(milliseconds: milliseconds).description.prefix(10).description
                    let isHeld =
                        hold.map { hold in
                            (hold.user == nil || hold.user == row.user)
                                && (hold.from.map { $0.description <= day } ?? true)
                                && (hold.through.map { $0.description >= day } ?? true)
                        } ?? false
                    let length = terms.map { Int64($0 / .milliseconds(1)) }
                    goes = !isHeld && (length.map { milliseconds <= believed - $0 } ?? false)
                } else {
                    goes = false
                }
                #expect(
                    left.contains(id) == !goes,
                    "seed \(seed): \(id) \(row), now \(now), believed \(String(describing: believed)), kept \(period)")
            }
        }
    }
}

/// Takes archives as a command does that fails at times, and at times takes the file away; what it took whole it can read again.
private final class Keeper: Sendable {
    private struct State {
        var random: SplitMix64
        var lines: [String: Data] = [:]
    }

    private let isThere: Bool
    private let state: Mutex<State>

    /// - Parameter seed: nil for none: the files stay.
    init(_ seed: UInt64?) {
        isThere = seed != nil
        state = Mutex(State(random: SplitMix64(seed: seed ?? 0)))
    }

    var handover: ArchiveHandover? {
        isThere ? ArchiveHandover { file, _ in try self.take(file) } : nil
    }

    private struct Refusal: Error {}

    private func take(_ file: ArchiveHandover.File) throws -> ArchiveHandover.Answer {
        try state.withLock { state in
            let content = try Data(contentsOf: URL(filePath: file.path))
            switch Int.random(in: 0...9, using: &state.random) {
            case 0: throw Refusal()
            case 1:
                // Took it away, and then failed.
                try FileManager.default.removeItem(atPath: file.path)
                throw Refusal()
            case 2: return .stopped
            case 3...5: try FileManager.default.removeItem(atPath: file.path)
            default: break
            }
            state.lines[file.sha256] = content
            return .taken
        }
    }

    /// The ids in all archives on record, as the JSON lines have them, wherever their files are.
    func ids(_ store: Store) async throws -> Set<String> {
        var ids: Set<String> = []
        for part in try await ArchiveManifest(store: store).list() {
            var path = part.path
            if part.place == .moved {
                guard let content = state.withLock({ $0.lines[part.digest.fileSHA256] }) else { continue }
                path += ".back"
                try content.write(to: URL(filePath: path))
            }
            guard (try? ArchiveReader.verify(path: path, expected: part.digest)) != nil else { continue }
            try ArchiveReader(path: path).forEachLine { line in
                let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
                if let id = object?["id"] as? String { ids.insert(id) }
            }
        }
        return ids
    }
}
