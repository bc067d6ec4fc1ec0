import Logging
import Scheduling
import Storage

/// One cycle: claim, perform, record, one log line.
extension Lane {
    /// The error of a run that failed is logged here and nowhere else.
    ///
    /// - Parameter again: whether the slot was claimed before, by a run that failed.
    func perform(_ slot: Slot, again: Bool) async -> Report {
        let meter = LockMeter()
        return await LockMeter.$current.withValue(meter) { await cycle(slot, again, Reckoning(self, meter)) }
    }

    /// What a run has taken so far.
    struct Reckoning: Sendable {
        private let monotonic: @Sendable () -> Duration
        private let began: Duration
        private let meter: LockMeter

        init(_ lane: Lane, _ meter: LockMeter) {
            monotonic = lane.parts.monotonic
            began = monotonic()
            self.meter = meter
        }

        var lockMicroseconds: Int64 { meter.microseconds }
        var elapsed: Duration { monotonic() - began }

        var facts: Logger.Metadata {
            [
                "lock_ms": "\(Double(lockMicroseconds) / 1_000)",
                "duration_ms": "\(Int(elapsed / .milliseconds(1)))",
            ]
        }
    }

    private func cycle(_ slot: Slot, _ again: Bool, _ reckoning: Reckoning) async -> Report {
        let started = parts.now()
        var claim: JobLedger.Claim?
        do {
            switch job.body {
            case .steps(let hasWork, let perform):
                guard try await hasWork() else {
                    // The ledger stays as it is, so that an idle daemon writes nothing; this is all there is to see of the look.
                    logger.debug("nothing to do", metadata: ["slot": "\(slot.instant)"])
                    return .idle
                }
                if again { claim = try await parts.ledger.claimAgain(job: job.name, slot: slot, now: started) }
                // A failure that could not be recorded left no row to claim again.
                if claim == nil { claim = try await parts.ledger.claim(job: job.name, slot: slot, now: started) }
                guard let claim else { return .idle }
                let outcome = try await perform(context(slot, started, reckoning))
                return try await end(claim, slot, outcome, reckoning)
            case .measurement(let measure):
                let write = try await measure(context(slot, started, reckoning))
                claim = try await parts.ledger.record(
                    job: job.name, slot: slot, startedAt: started, write: write, now: parts.now())
                guard let claim else { return .idle }
                logger.debug("ran", metadata: facts(claim, slot, write.rows, reckoning))
                return .ran(
                    JobLedger.Ending(.succeeded, rows: write.rows, lockMicroseconds: reckoning.lockMicroseconds))
            }
        } catch is CancellationError where isStopping {
            // The daemon's end, and no failure of the job's: without a claim its successor finds the slot as if nobody had looked.
            if let claim {
                let ending = JobLedger.Ending(.cancelled, lockMicroseconds: reckoning.lockMicroseconds)
                try? await parts.ledger.end(claim, ending, now: parts.now())
            }
            return .idle
        } catch {
            await fail(error, claim, slot, started, reckoning)
            return .failed(error)
        }
    }

    private func context(_ slot: Slot, _ started: Instant, _ reckoning: Reckoning) -> JobContext {
        let deadline = job.policy().deadline
        return JobContext(
            slot: slot, now: started,
            isStopping: { [self] in isStopping || deadline.map { reckoning.elapsed >= $0 } ?? false },
            beat: parts.beat)
    }

    private func end(_ claim: JobLedger.Claim, _ slot: Slot, _ outcome: JobOutcome, _ reckoning: Reckoning) async throws
        -> Report
    {
        var ending = JobLedger.Ending(
            outcome.isComplete ? .succeeded : .cancelled, rows: outcome.rows,
            lockMicroseconds: reckoning.lockMicroseconds)
        if !outcome.isComplete, !isStopping, let deadline = job.policy().deadline, reckoning.elapsed >= deadline {
            ending.error = "ended at its deadline of \(DurationText.format(deadline)); the next run goes on from there"
        }
        try await parts.ledger.end(claim, ending, now: parts.now())
        var facts = facts(claim, slot, outcome.rows, reckoning)
        facts.merge(outcome.facts) { _, new in new }
        facts["message_id"] = "\(outcome.messageID)"
        facts["complete"] = "\(outcome.isComplete)"
        logger.info("\(outcome.message)", metadata: facts)
        for warning in outcome.warnings { logger.warning("\(warning.message)", metadata: warning.facts) }
        return .ran(ending)
    }

    private func facts(_ claim: JobLedger.Claim, _ slot: Slot, _ rows: Int64, _ reckoning: Reckoning) -> Logger.Metadata
    {
        reckoning.facts.merging([
            "run": "\(claim.run)", "attempt": "\(claim.attempt)", "slot": "\(slot.instant)", "rows": "\(rows)",
        ]) { own, _ in own }
    }

    private func fail(
        _ error: any Error, _ claim: JobLedger.Claim?, _ slot: Slot, _ started: Instant, _ reckoning: Reckoning
    ) async {
        if let claim {
            // If even this can't be written, the next start finds the run and records it as crashed.
            try? await parts.ledger.end(
                claim, JobLedger.Ending(.failed, lockMicroseconds: reckoning.lockMicroseconds, error: "\(error)"),
                now: parts.now())
        } else if (error as? StorageError)?.kind != .leaseLost {
            _ = try? await parts.ledger.recordFailure(
                job: job.name, slot: slot, startedAt: started, error: "\(error)", now: parts.now())
        }
        var facts = reckoning.facts
        facts["message_id"] = "\(MessageID.jobFailed)"
        facts["run"] = "\(claim?.run ?? 0)"
        facts["slot"] = "\(slot.instant)"
        facts["error"] = "\(error)"
        logger.error("\(job.name) failed", metadata: facts)
    }
}
