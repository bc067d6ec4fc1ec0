import GRDB
import GRDBSQLite
import Scheduling

/// The tables whose rows go in time.
package enum RetentionTable: String, CaseIterable, Sendable, Codable {
    case usageLogs = "usage_logs"
    case auditLogs = "audit_logs"
    case systemMetrics = "system_metrics"
    case userSessions = "user_sessions"
    case rateLimits = "rate_limits"
    /// With their messages.
    case conversations
    case jobRuns = "job_runs"
    case rejects = "usage_rejects"
    case webhookAttempts = "webhook_attempts"
    case webhookDeliveries = "webhook_deliveries"
    /// After the deliveries: an event stays for as long as one of its deliveries does.
    case webhookEvents = "webhook_events"

    /// From when on a row's age counts, in words.
    package var ageCountsFrom: String {
        switch self {
        case .usageLogs: "created_at, by whole sealed days"
        case .auditLogs: "created_at"
        case .systemMetrics: "timestamp"
        case .userSessions: "its expiry, or its last activity once it is inactive"
        case .rateLimits: "window_end"
        case .conversations: "its last activity, messages included"
        case .jobRuns: "its start; the newest run of each job stays"
        case .rejects: "the day it was set aside"
        case .webhookAttempts: "when it was made"
        case .webhookDeliveries: "when it was delivered or given up; one that is queued stays"
        case .webhookEvents: "created_at; one that has a delivery, or is still to be queued, stays"
        }
    }

    /// Whether most of a table may be old by its own word: then a large share of it is no sign of a mistake.
    package var expiresByItself: Bool {
        switch self {
        case .userSessions, .rateLimits, .jobRuns, .webhookAttempts, .webhookDeliveries, .webhookEvents: true
        case .usageLogs, .auditLogs, .systemMetrics, .conversations, .rejects: false
        }
    }

    /// Where the newest row is looked for that a clock is held against. It must be the gateway's: rows that tallyd writes bear the time of the very clock
    /// that is in question, and each run's own line in audit_logs would let the next one believe a day more (a random history found it).
    private var witness: (rows: String, arrival: String) {
        switch self {
        case .usageLogs, .systemMetrics, .jobRuns, .rejects, .webhookAttempts, .webhookDeliveries, .webhookEvents:
            ("usage_logs WHERE 1", "created_at")
        case .auditLogs: ("audit_logs WHERE user_id <> 'tallyd'", "created_at")
        case .userSessions: ("user_sessions WHERE 1", "last_activity_at")
        case .rateLimits: ("rate_limits WHERE 1", "window_start")
        case .conversations: ("conversations WHERE 1", "updated_at")
        }
    }

    /// The column that names whose row it is.
    var user: String? {
        switch self {
        case .systemMetrics, .jobRuns, .rejects: nil
        case .usageLogs, .auditLogs, .userSessions, .rateLimits, .conversations, .webhookAttempts, .webhookDeliveries,
            .webhookEvents:
            "user_id"
        }
    }

    /// Whether its rows are somebody's, so that terms of one user have a meaning.
    package var hasUsers: Bool { user != nil }

    /// The columns that a row's age depends on, after rowid and user.
    var ageColumns: String {
        switch self {
        case .usageLogs, .auditLogs: "created_at"
        case .systemMetrics: "timestamp"
        case .userSessions: "expires_at, lower(CAST(is_active AS TEXT)) IN ('0', 'false'), last_activity_at, updated_at"
        case .rateLimits: "window_end"
        case .conversations: "updated_at, created_at, id"
        case .jobRuns:
            "started_at_ms, slot_ms = (SELECT MAX(newer.slot_ms) FROM job_runs newer WHERE newer.job = job_runs.job)"
        case .rejects: "rejected_at_ms"
        case .webhookAttempts: "started_at"
        case .webhookDeliveries: "settled_at"
        case .webhookEvents:
            """
            created_at,
            seq > (SELECT fanned_out FROM webhook_outbox WHERE id = 1)
              OR EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event_seq = webhook_events.seq)
            """
        }
    }

    /// The first of the age's columns.
    private static let age: Int32 = 2

    /// From when on the row's age counts that the statement stands on; nil when that can't be read. Rows that never age are said to be of the far future.
    func countsFrom(_ db: Database, _ statement: OpaquePointer) throws -> Instant? {
        func instant(_ index: Int32) -> Instant? { UsageColumn(statement, Self.age + index).instant }
        switch self {
        case .usageLogs, .auditLogs, .systemMetrics, .rateLimits, .rejects, .webhookAttempts: return instant(0)
        case .webhookDeliveries:
            let isQueued = sqlite3_column_type(statement, Self.age) == SQLITE_NULL
            return isQueued ? Instant(milliseconds: .max) : instant(0)
        case .userSessions:
            let isInactive = sqlite3_column_int64(statement, Self.age + 1) != 0
            guard isInactive else { return instant(0) }
            let lastSeen = [instant(2), instant(3)].compactMap { $0 }.max()
            return [instant(0), lastSeen].compactMap { $0 }.min()
        case .jobRuns, .webhookEvents:
            return sqlite3_column_int64(statement, Self.age + 1) != 0 ? Instant(milliseconds: .max) : instant(0)
        case .conversations:
            guard let own = [instant(0), instant(1)].compactMap({ $0 }).max() else { return nil }
            let messages = try RawStatement(db, "SELECT created_at FROM messages WHERE conversation_id = ?1")
            sqlite3_bind_value(messages.handle, 1, sqlite3_column_value(statement, Self.age + 2))
            defer { messages.reset() }
            var latest = own
            while try messages.step() {
                // A message whose time can't be read may be the last one.
                guard let sent = UsageColumn(messages.handle, 0).instant else { return nil }
                latest = max(latest, sent)
            }
            return latest
        }
    }

    /// When the newest row came that a clock may be held against. Among the rows that sort last as texts and as numbers: the two written forms sort
    /// apart by less than a day.
    func newestRow(_ db: Database) throws -> Instant? {
        var newest: Instant?
        let (source, arrival) = witness
        // Numbers sort before every text, so both are ranges of an index where there is one.
        for kind in ["\(arrival) >= ''", "\(arrival) < ''"] {
            let rows = try RawStatement(
                db,
                """
                SELECT \(arrival)
                FROM \(source) AND \(kind)
                ORDER BY \(arrival) DESC
                LIMIT 100
                """)
            while try rows.step() {
                if let instant = UsageColumn(rows.handle, 0).instant, instant > newest ?? Instant(milliseconds: .min) {
                    newest = instant
                }
            }
            rows.reset()
        }
        return newest
    }
}
