package import Scheduling

/// How long each table's rows are kept, and what makes a run stop and ask.
package struct RetentionPolicies: Sendable, Equatable {
    package var periods: [RetentionTable: RetentionPeriod]
    /// How long after its end a day is taken to be over: rows that come later still count, but no longer keep it from being sealed.
    package var settle: Duration
    /// The share of a table, 0 to 1, above which a run waits for an approval.
    package var largestShare: Double
    /// The folder that rows are archived in before they go; nil: they are not archived.
    package var archiveFolder: String?
    /// Whose rows are archived there.
    package var archiveTables: Set<RetentionTable>

    package init(
        periods: [RetentionTable: RetentionPeriod] = Self.defaults, settle: Duration = .seconds(2 * 86_400),
        largestShare: Double = 0.2, archiveFolder: String? = nil, archiveTables: Set<RetentionTable> = [.usageLogs]
    ) {
        self.periods = periods
        self.settle = settle
        self.largestShare = largestShare
        self.archiveFolder = archiveFolder
        self.archiveTables = archiveTables
    }

    package func period(of table: RetentionTable) -> RetentionPeriod { periods[table] ?? .off }

    /// What the contract says holds where nothing else is configured. A session's day is a grace after its end.
    package static let defaults: [RetentionTable: RetentionPeriod] = [
        .usageLogs: .limited(.seconds(90 * 86_400)), .auditLogs: .limited(.seconds(365 * 86_400)),
        .systemMetrics: .limited(.seconds(30 * 86_400)), .userSessions: .limited(.seconds(86_400)),
        .rateLimits: .limited(.seconds(86_400)), .conversations: .forever,
        .jobRuns: .limited(.seconds(30 * 86_400)), .rejects: .forever,
        .webhookAttempts: .limited(.seconds(30 * 86_400)), .webhookDeliveries: .limited(.seconds(30 * 86_400)),
        .webhookEvents: .limited(.seconds(30 * 86_400)),
    ]
}
