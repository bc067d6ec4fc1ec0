import Foundation
import Scheduling
import Storage

/// Erasures: of a random user, cut anywhere, with the gateway at work.
extension RollupHistory {
    func erase() async throws {
        // An empty name can't be erased, and neither can who was.
        let users = Set(oracle.rows.values.map(\.user)).filter { !$0.isEmpty && !$0.hasPrefix("erased-") }.sorted()
        guard let user = users.randomElement(using: &random) else { return }
        log.append("erase \(user)")
        var pseudonym = ""
        var runs = 0
        let before = try receipts().count
        while pseudonym.isEmpty, runs < 20 {
            runs += 1
            let isCut = runs < 4 && chance(50)
            if isCut { fuse.light(pick(1...12_000)) }
            let files =
                isCut && chance(30) ? FaultyFiles(.allFrom(pick(1...40), code: EIO)).files : ArchiveFiles.system
            let bites = isCut && chance(30) ? pick(0...20) : Int.max
            do {
                let outcome = try await erasure(of: user, files).run(shouldStop: gatewayActing(for: bites))
                pseudonym = outcome.isComplete ? outcome.pseudonym : ""
                if outcome == Erasure.Outcome() { break }
            } catch let error as StorageError where error.kind == .totalsDiffer {
                fail("\(error)")
                return
            } catch {
                log.append("erasure cut: \(error)")
                // The last of a COMMIT's operations may be the one that fails, and all of it stands.
                let ended = try receipts()
                if ended.count > before, let last = ended.last { pseudonym = last }
            }
            fuse.light(-1)
        }
        fuse.light(-1)
        for id in oracle.rows.keys where oracle.rows[id]?.user == user && !pseudonym.isEmpty {
            oracle.rows[id]?.user = pseudonym
        }
        let left = try sample.places(of: "\"\(user)\"", leaving: damaged).filter { $0.hasSuffix(".zst") }
        if !left.isEmpty { fail("\(user) is erased, and stands in \(left)") }
        log.append("erased \(user): \(pseudonym)")
    }

    /// The pseudonyms of erasures that have ended.
    private func receipts() throws -> [String] {
        try sample.rows("SELECT resource_id FROM audit_logs WHERE action = 'user.erased' ORDER BY rowid")
            .compactMap { String.fromDatabaseValue($0[0]) }
    }

    private func erasure(of user: String, _ files: ArchiveFiles) throws -> Erasure {
        Erasure(
            of: user, store: try rollup().store, zone: zone, files: files,
            exceptions: Erasure.Exceptions(archives: damaged),
            rollupLimits: Rollup.Limits(
                keysPerBatch: pick(1...6), rowsPerSnapshot: Int64(pick(1...5)), readsAhead: seed % 5 == 0, halvedFrom: 2
            )
        ) { Instant(milliseconds: 1_793_300_000_000) }
    }

    /// The gateway at work between two bites; true after so many.
    private func gatewayActing(for bites: Int) -> @Sendable () -> Bool {
        let acts = Countdown(pick(0...10))
        let end = Countdown(bites)
        return { [self] in
            if !acts.isOver() {
                // Reading ahead asks from a task of its own, and the first of these are enough to come in between.
                asking.withLock { _ in
                    do { try act(times: 1) } catch { fail("the gateway failed: \(error)") }
                }
            }
            return end.isOver()
        }
    }
}
