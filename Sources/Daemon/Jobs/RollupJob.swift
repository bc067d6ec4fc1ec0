import Logging
package import Scheduling
package import Storage

/// The job that keeps daily_usage_stats up to date: looks at every slot of its schedule, and early when the database changes.
package enum RollupJob {
    package static let name = "rollup"
    /// A run of so many rows may leave a long log and much memory behind; at 100 pages of log for 1,000 rows, this is 40 MB.
    private static let longRun: Int64 = 100_000

    /// Whatever a run leaves undone the next look finds, so a failure is followed by the next slot as well as by these.
    static let retry = Retry(backoff: Backoff(first: .seconds(1), cap: .seconds(60)), attempts: 5)

    package static func make(
        _ rollup: Rollup, store: Store, schedule: @escaping @Sendable () -> Schedule,
        missed: @escaping @Sendable () -> MissedRuns, spacing: @escaping @Sendable () -> Duration?
    ) -> Job {
        Job(
            name: name, schedule: schedule, policy: { Policy(missed: missed(), retry: retry) },
            early: Job.EarlyWakes(spacing: spacing),
            body: .steps(
                hasWork: { try await rollup.hasWork() },
                perform: { context in
                    let outcome = try await rollup.run(
                        shouldStop: context.isStopping, progress: { _ in context.beat() })
                    if outcome.rows >= longRun {
                        try await store.writer.settleLog()
                        await store.releaseMemory()
                    }
                    return told(outcome)
                }))
    }

    /// What a run would do now. Writes nothing.
    static func preview(_ look: JobCatalog.Look) async throws -> String {
        let status = try await RollupStatus.read(look.store)
        if status.lagRows == 0, status.pendingCorrections == 0, status.markedDays.isEmpty {
            return "would find nothing to do"
        }
        return "would count \(status.lagRows) rows at most, apply \(status.pendingCorrections) corrections and derive "
            + "\(status.markedDays.count) days anew"
    }

    private static func told(_ outcome: Rollup.Outcome) -> JobOutcome {
        var told = JobOutcome(
            rows: outcome.rows + outcome.corrections, isComplete: outcome.isComplete, message: "rolled up",
            messageID: MessageID.rolledUp,
            facts: [
                "rows": "\(outcome.rows)", "corrections": "\(outcome.corrections)", "rejected": "\(outcome.rejected)",
                "days": "\(outcome.daysDerived)", "prices": "\(outcome.prices)",
            ])
        if outcome.rejected > 0 {
            told.warnings = [
                JobOutcome.Warning(
                    message: "rows set aside: they can't be counted as they stand",
                    facts: [
                        "message_id": "\(MessageID.rowsSetAside)", "rejected": "\(outcome.rejected)",
                        "remedy": "tallyd rollup rejects",
                    ])
            ]
        }
        if outcome.idsBeganAnew {
            told.warnings.append(
                JobOutcome.Warning(
                    message: "ids of usage_logs had begun anew below what is counted: the open days were derived again",
                    facts: ["remedy": "let the gateway keep the row of usage_logs in sqlite_sequence"]))
        }
        if outcome.triggersWereGone {
            told.warnings.append(
                JobOutcome.Warning(
                    message:
                        "the triggers that log corrections were gone from usage_logs: they are there again, and the open days were derived anew",
                    facts: [
                        "remedy":
                            "corrections of sealed days may be missing; a migration of the gateway that makes usage_logs anew drops its triggers"
                    ]))
        }
        return told
    }
}
