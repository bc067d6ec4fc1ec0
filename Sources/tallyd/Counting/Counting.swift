import Scheduling
import Storage

/// Counts what is to be counted, as a run with a line in the ledger, and shows how far it is.
struct Counting: Sendable {
    /// The ledger's name for it: the daemon's own rollups stand under the same.
    static let job = "rollup"

    let store: Store
    let zone: Zone
    let term: Term
    let interruption: Interruption

    /// - Returns: nil when there was nothing to do; then nothing was written.
    /// - Throws: `StorageError`; `Interrupted` when it was asked to stop, after the bite in hand.
    func run() async throws -> Rollup.Outcome? {
        let rollup = Rollup(store: store, zone: zone, term: term, now: WallClock.now)
        guard try await rollup.hasWork() else { return nil }
        let ledger = JobLedger(store: store, term: term)
        let now = WallClock.now()
        let claim = try await ledger.claim(job: Self.job, slot: Slot(now), now: now)
        func end(_ state: JobLedger.State, rows: Int64, error: String? = nil) async throws {
            guard let claim else { return }
            let held = Int64(store.writer.totals.holdNanoseconds / 1_000)
            try await ledger.end(
                claim, JobLedger.Ending(state, rows: rows, lockMicroseconds: held, error: error), now: WallClock.now())
        }
        let outcome: Rollup.Outcome
        do {
            outcome = try await perform(rollup)
        } catch {
            // The failure itself matters more than that its record failed too; the next owner finds the run unfinished.
            try? await end(.failed, rows: 0, error: "\(error)")
            throw error
        }
        try await end(outcome.isComplete ? .succeeded : .cancelled, rows: outcome.rows + outcome.corrections)
        try interruption.check()
        return outcome
    }

    private func perform(_ rollup: Rollup) async throws -> Rollup.Outcome {
        let bar = ProgressBar()
        defer { bar.clear() }
        // Ids below the cursor are no part of this run's way.
        let status = try await RollupStatus.read(store)
        let start = status.cursor
        // These come before any new row, and the rollup says nothing of how far it is with them.
        if status.pendingCorrections > 0 || !status.markedDays.isEmpty {
            bar.show(
                "\(Figures.count(status.pendingCorrections, "correction")) and "
                    + "\(Figures.count(status.markedDays.count, "marked day")) first")
        }
        return try await rollup.run(shouldStop: { interruption.isRaised }) { progress in
            let length = Double(max(progress.targetID - start, 1))
            bar.show(
                "\(progress.phase), row \(Figures.count(progress.doneID)) of \(Figures.count(progress.targetID))",
                fraction: Double(progress.doneID - start) / length)
        }
    }
}
