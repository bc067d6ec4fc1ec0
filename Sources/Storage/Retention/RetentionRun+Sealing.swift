import Scheduling

extension RetentionRun {
    /// Days that are over and not sealed yet, oldest first, and how far sealing them has come.
    struct Seals: Sendable {
        fileprivate(set) var open: ArraySlice<Day>
        fileprivate(set) var sealed: [Day] = []
        /// Why a day stays open; empty when none does.
        fileprivate(set) var note = ""
        /// What waits for the rollup waits for every later day, too; drift is the day's own.
        fileprivate(set) var isHalted = false

        init(_ plan: RetentionPlan.TablePlan) {
            open = plan.days.filter { $0.step == .seal }.map(\.day)[...]
        }

        fileprivate mutating func note(_ refusal: DaySealing.Refusal?, of day: Day) {
            guard let refusal else {
                sealed.append(day)
                return
            }
            note = "\(day) can't be sealed: \(refusal.sentence)"
            if case .drift = refusal { return }
            isHalted = true
        }
    }

    /// Seals what is open up to this day, one by one: beside a purge.
    func seal(
        _ seals: Seals, through last: Day, _ now: Instant, _ stop: @Sendable () -> Bool
    ) async throws -> Seals {
        let sealing = DaySealing(store: store, zone: zone, term: term)
        var seals = seals
        while let day = seals.open.first, day <= last, !seals.isHalted, !stop() {
            let refusal = try await again(sealing, day, try await sealing.seal(day, now: now), now, stop)
            seals.open = seals.open.dropFirst()
            seals.note(refusal, of: day)
        }
        return seals
    }

    /// Seals what is still open, two days at a time.
    func sealAll(_ seals: Seals, _ now: Instant, _ stop: @Sendable () -> Bool) async throws -> Seals {
        let sealing = DaySealing(store: store, zone: zone, term: term)
        var seals = seals
        while let day = seals.open.first, !seals.isHalted, !stop() {
            guard let next = seals.open.dropFirst().first else { return try await seal(seals, through: day, now, stop) }
            let found = try await sealing.seal(day, next, now: now)
            for (day, first) in [(day, found.0), (next, found.1)] where !seals.isHalted {
                let refusal = try await again(sealing, day, first, now, stop)
                seals.open = seals.open.dropFirst()
                seals.note(refusal, of: day)
            }
        }
        return seals
    }

    /// Tries once more, and gives the rollup time to count corrections of the day that wait; then it is left to the next run.
    private func again(
        _ sealing: DaySealing, _ day: Day, _ first: DaySealing.Refusal?, _ now: Instant, _ stop: @Sendable () -> Bool
    ) async throws -> DaySealing.Refusal? {
        var refusal = first
        var patience = DayPurge.patience
        while refusal == .changedMeanwhile || refusal == .correctionsWaiting, !stop(), await DayPurge.waits(&patience) {
            refusal = try await sealing.seal(day, now: now)
        }
        return refusal
    }

    /// Takes in what became of the days that were to be sealed.
    func note(_ seals: Seals, _ result: inout TableOutcome, _ outcome: inout Outcome) {
        outcome.daysSealed += seals.sealed
        if !seals.open.isEmpty || seals.isHalted { outcome.isComplete = false }
        if result.note.isEmpty { result.note = seals.note }
    }
}
