import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// An erasure is cut in the middle of any statement and of any call to the system, and the next one ends it.
@Suite struct ErasureFaultTests {
    private static let long = ProcessInfo.processInfo.environment["TALLYD_TEST_LONG"] == "1"

    private func prepared() async throws -> SampleDatabase {
        let sample = try SampleDatabase()
        try sample.settle()
        try await sample.use(40)
        try await sample.rollUp()
        try await sample.retain()
        // Behind the cursor, and in the change log.
        try sample.insert(user: SampleDatabase.person, at: "2026-11-20 12:00:00")
        try sample.execute("UPDATE usage_logs SET latency = 7 WHERE id = (SELECT MAX(id) - 2 FROM usage_logs)")
        return sample
    }

    private struct Sums: Equatable {
        var requests = 0
        var cost = Decimal(0)
        var latency: Int64 = 0
        var greatest: Int64 = 0
    }

    /// By day and model, whoever's.
    private func sums(_ sample: SampleDatabase) throws -> [String: Sums] {
        try sample.totals().reduce(into: [:]) { sums, pair in
            let key = "\(pair.key.date) \(pair.key.model)"
            sums[key, default: Sums()].requests += pair.value.requests
            sums[key, default: Sums()].cost += pair.value.cost
            sums[key, default: Sums()].latency += pair.value.latencySum
            sums[key, default: Sums()].greatest = max(sums[key]?.greatest ?? 0, pair.value.latencyMax)
        }
    }

    /// The sums that are to come out, of a sample made the same way.
    private func expected() async throws -> [String: Sums] {
        let sample = try await prepared()
        try await sample.rollUp()
        return try sums(sample)
    }

    /// - Returns: whether the fault struck.
    private func cutAndResume(
        _ sample: SampleDatabase, _ expected: [String: Sums], _ name: String, _ cut: () async throws -> Void
    ) async throws -> Bool {
        var isStruck = false
        do {
            try await cut()
        } catch {
            isStruck = true
        }
        let pseudonym: String? = try sample.value("SELECT pseudonym FROM erasures WHERE user_id IS NOT NULL")
        let outcome = try await sample.erasure(try sample.store()).run()
        #expect(outcome.isComplete, "\(name)")
        if let pseudonym { #expect(outcome.pseudonym == pseudonym, "\(name): goes on under the same") }
        #expect(try sample.places(of: SampleDatabase.person) == [], "\(name)")
        #expect(try sums(sample) == expected, "\(name)")
        #expect(
            try sample.value("SELECT COUNT(*) FROM audit_logs WHERE action = 'user.erased'") == 1,
            "\(name): one receipt")
        #expect(try sample.value("SELECT COUNT(*) FROM erasures WHERE old_files <> '[]'") == 0, "\(name)")
        for entry in try await ArchiveManifest(store: try sample.store()).list() {
            try ArchiveReader.verify(path: entry.path, expected: entry.digest)
        }
        return isStruck
    }

    @Test func `whatever statement fails, the next erasure ends it`() async throws {
        let expected = try await expected()
        var operations = 3
        var struck = 0
        while true {
            let sample = try await prepared()
            let fuse = Fuse()
            let store = try sample.store(steps: Allowance.Steps { true }) { db in fuse.watch(db) }
            let lit = operations
            let isStruck = try await cutAndResume(sample, expected, "operation \(lit)") {
                fuse.light(lit)
                defer { fuse.light(-1) }
                _ = try await sample.erasure(store).run()
            }
            fuse.light(-1)
            guard isStruck else { break }
            struck += 1
            // Every statement takes some of them; the steps grow, so that the end is reached.
            operations += Self.long ? 37 + operations / 200 : 900 + operations / 12
        }
        #expect(struck > 10, "\(struck) of them failed")
    }

    @Test func `whatever call to the system fails, the next erasure ends it`() async throws {
        let expected = try await expected()
        var call = 1
        var struck = 0
        while true {
            let sample = try await prepared()
            let faulty = FaultyFiles(
                call % 2 == 0 ? .call(call, code: EIO) : .allFrom(call, code: ENOSPC), longestTransfer: 2_048)
            let isStruck = try await cutAndResume(sample, expected, "call \(call), \(faulty.struck ?? "")") {
                _ = try await sample.erasure(try sample.store(), files: faulty.files).run()
            }
            guard isStruck || faulty.struck != nil else { break }
            struck += 1
            call += Self.long ? 1 : 7
        }
        #expect(struck > 10, "\(struck) of them failed")
    }

    @Test func `an erasure that is stopped again and again goes on from there`() async throws {
        let expected = try await expected()
        let sample = try await prepared()
        var runs = 0
        while runs < 100 {
            runs += 1
            // Each run asks a few dozen times on its way through what is done already.
            let countdown = Countdown(4 * runs)
            let outcome = try await sample.erasure(try sample.store(steps: Allowance.Steps { true })).run(
                shouldStop: { countdown.isOver() })
            if outcome.isComplete { break }
        }
        #expect(runs > 5 && runs < 100, "\(runs)")
        #expect(try sample.places(of: SampleDatabase.person) == [])
        #expect(try sums(sample) == expected)
    }
}
