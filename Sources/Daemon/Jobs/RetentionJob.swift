import Logging
import Scheduling
import Storage

/// The job that seals days and removes what is old enough, by policy.
package enum RetentionJob {
    package static let name = "retention"

    static func make(
        _ store: Store, zone: Zone, term: Term, settings: @escaping @Sendable () -> Settings,
        schedule: @escaping @Sendable () -> Schedule, handover: @escaping @Sendable (Settings) -> ArchiveHandover?
    ) -> Job {
        Job(
            name: name, schedule: schedule,
            // Whatever is left undone the next run finds.
            policy: { Policy(missed: .latest, deadline: settings().retention.runLimit) }, startsAtOnce: false,
            body: .steps(
                hasWork: { true },
                perform: { context in
                    let current = settings()
                    let outcome = try await RetentionRun(
                        store: store, zone: zone, term: term, policies: current.retention.policies,
                        handover: handover(current)
                    ).run(
                        run: "\(context.slot.instant.milliseconds)", now: context.now, shouldStop: context.isStopping,
                        progress: context.beat)
                    if outcome.removed > longRun { await store.releaseMemory() }
                    return try told(outcome)
                }))
    }

    /// A run of so many rows may leave much memory behind.
    private static let longRun = 100_000

    /// What a run would do now. Writes nothing.
    static func preview(_ look: JobCatalog.Look) async throws -> String {
        let planner = RetentionPlanner(store: look.store, zone: look.zone, policies: look.settings.retention.policies)
        let plan = try await planner.plan(now: look.now)
        return
            "would seal \(plan.daysToSeal) days and remove \(plan.rowsToRemove) rows; `tallyd retention plan` says which"
    }

    private static func told(_ outcome: RetentionRun.Outcome) throws -> JobOutcome {
        let failures =
            outcome.tables.compactMap { table in table.failure.map { "\(table.table.rawValue): \($0)" } }
            + [outcome.givingBackFailure].compactMap(\.self)
        guard failures.isEmpty else { throw RetentionFailure(sentences: failures) }
        var facts: Logger.Metadata = [
            "days_sealed": "\(outcome.daysSealed.count)", "days_purged": "\(outcome.daysPurged.count)",
        ]
        for table in outcome.tables where table.removed > 0 {
            facts["removed_\(table.table.rawValue)"] = "\(table.removed)"
        }
        if outcome.bytesGivenBack > 0 { facts["given_back_bytes"] = "\(outcome.bytesGivenBack)" }
        return JobOutcome(
            rows: Int64(outcome.removed), isComplete: outcome.isComplete,
            message: message(of: outcome),
            messageID: MessageID.retentionRan, facts: facts,
            warnings: outcome.tables.filter(\.isWaiting).map { table in
                JobOutcome.Warning(
                    message: "\(table.table.rawValue): nothing was removed; \(table.note)",
                    facts: ["message_id": "\(MessageID.retentionWaits)", "table": "\(table.table.rawValue)"])
            })
    }

    private static func message(of outcome: RetentionRun.Outcome) -> String {
        if outcome.removed > 0 { return "removed what was old enough" }
        return outcome.bytesGivenBack > 0 ? "gave free pages back" : "retention had nothing to remove"
    }
}

/// What went wrong with some tables; the others' work is done.
struct RetentionFailure: Error, CustomStringConvertible {
    let sentences: [String]
    var description: String { sentences.joined(separator: "; ") }
}
