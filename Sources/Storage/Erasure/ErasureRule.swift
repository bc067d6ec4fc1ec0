import GRDB

/// What an erasure does with one table. Every table of the schema has its rule in `all`, also one that holds nobody's data, so that a new table can't
/// be forgotten: a test compares the list with schema.sql.
package struct ErasureRule: Sendable {
    package enum Treatment: Sendable, Equatable {
        /// The person's rows stay, under the pseudonym, without what else could tell who it was.
        case rekeyed
        /// The person's rows go.
        case deleted
        /// Rows of others that name the person stay, with the pseudonym in place of the name.
        case renamed
        /// By code of its own, which the text tells.
        case special(String)
        /// It holds nothing of anybody, for the reason given.
        case nobodys(String)
    }

    package let table: String
    package let treatment: Treatment
    /// Whose rows are the person's: SQL in which ?1 is the user, in parentheses.
    let isOwn: String
    /// Whether an index finds those. A table without is read from end to end, which no lock is held for.
    let isIndexed: Bool
    /// Columns with times. A hold of some days keeps a row when any of them lies in its days.
    let times: [String]
    /// The name by which holds know the table; nil: only holds of every table keep its rows.
    let heldAs: RetentionTable?
    /// Columns of JSON, in which a string that is the user becomes the pseudonym, whosever row it is.
    let json: [String]
    /// Columns that become the pseudonym where they are the user.
    let names: [String]

    init(
        _ table: String, _ treatment: Treatment, isOwn: String = "(user_id = ?1)", isIndexed: Bool = true,
        times: [String] = ["created_at"], heldAs: RetentionTable? = nil, json: [String] = [], names: [String] = []
    ) {
        self.table = table
        self.treatment = treatment
        self.isOwn = isOwn
        self.isIndexed = isIndexed
        self.times = times
        self.heldAs = heldAs
        self.json = json
        self.names = names
    }

    package static func of(_ table: String) -> ErasureRule? { all.first { $0.table == table } }

    static let usageLogs = ErasureRule("usage_logs", .rekeyed, heldAs: .usageLogs)
    static let auditLogs = ErasureRule(
        "audit_logs", .rekeyed, heldAs: .auditLogs, json: ["metadata"], names: ["resource_id"])
    static let totals = ErasureRule(
        "daily_usage_stats", .special("its sums go to the pseudonym's rows"), times: ["date"])
    /// First what lets the person in: then no new rows come.
    static let keys = ErasureRule("api_keys", .deleted, times: ["created_at", "updated_at", "last_used_at"])
    static let sessions = ErasureRule(
        "user_sessions", .deleted, times: ["created_at", "updated_at", "expires_at", "last_activity_at"],
        heldAs: .userSessions)

    /// In the order of the work.
    package static let all: [ErasureRule] = [
        keys,
        sessions,
        usageLogs,
        ErasureRule("usage_changes", .special("counted, and then gone")),
        totals,
        ErasureRule("usage_rejects", .special("details that name the person are emptied"), isOwn: "0"),
        ErasureRule("rate_limits", .deleted, times: ["window_start", "window_end"], heldAs: .rateLimits),
        // Before the conversations: their key would take them along unseen.
        ErasureRule(
            "messages", .deleted,
            isOwn: "(user_id = ?1 OR conversation_id IN (SELECT id FROM conversations WHERE user_id = ?1))",
            heldAs: .conversations, json: ["metadata"]),
        ErasureRule(
            "conversations", .deleted, times: ["created_at", "updated_at"], heldAs: .conversations, json: ["metadata"]),
        ErasureRule("user_preferences", .deleted, times: ["created_at", "updated_at"], json: ["metadata"]),
        // Before the endpoints, by which the last of them are found: an operator's endpoint is told of everybody's events, and an attempt holds what its
        // receiver answered.
        ErasureRule(
            "webhook_attempts", .deleted,
            isOwn: """
                (user_id IS ?1 OR delivery_id IN (
                  SELECT d.id FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE w.user_id = ?1
                ))
                """, isIndexed: false,
            times: ["started_at"], heldAs: .webhookAttempts),
        ErasureRule(
            "webhook_deliveries", .deleted,
            isOwn: "(user_id IS ?1 OR webhook_id IN (SELECT id FROM webhooks WHERE user_id = ?1))", isIndexed: false,
            times: ["created_at", "settled_at"], heldAs: .webhookDeliveries),
        // IS, because an event of nobody's may name the person too, and NOT NULL = … would pass it by.
        ErasureRule(
            "webhook_events", .deleted, isOwn: "(user_id IS ?1)", isIndexed: false, heldAs: .webhookEvents,
            json: ["payload"]),
        ErasureRule(
            "webhook_endpoints", .deleted, isOwn: "(webhook_id IN (SELECT id FROM webhooks WHERE user_id = ?1))",
            times: []),
        ErasureRule("webhooks", .deleted, times: ["created_at", "updated_at"]),
        auditLogs,
        ErasureRule(
            "system_metrics", .renamed, isOwn: "0", times: ["timestamp"], heldAs: .systemMetrics, json: ["tags"]),
        ErasureRule(
            "feature_flags", .renamed, isOwn: "0", times: ["created_at", "updated_at"],
            json: ["target_users", "conditions"]),
        ErasureRule("retention_overrides", .special("deleted"), times: []),
        ErasureRule("retention_holds", .special("those that have ended go to the pseudonym"), times: []),
        ErasureRule("job_runs", .special("errors that name the person"), isOwn: "0", times: []),
        ErasureRule("erasures", .special("names the person until the erasure has ended"), times: []),
        ErasureRule("archive_drafts", .nobodys("paths; the files go")),
        ErasureRule("archives", .nobodys("of its files, those with the person's rows are written anew")),
        ErasureRule(
            "rollup_state", .nobodys("names a user only while a batch is half applied, and none is at the end")),
        ErasureRule("webhook_outbox", .nobodys("a cursor")),
        ErasureRule("usage_days", .nobodys("days")),
        ErasureRule("usage_latency_histograms", .nobodys("by day and model")),
        ErasureRule("model_price_book", .nobodys("prices")),
        ErasureRule("model_pricing", .nobodys("prices")),
        ErasureRule("rollup_dirty_days", .nobodys("days")),
        ErasureRule("tallyd_lease", .nobodys("processes")),
        ErasureRule("job_pauses", .nobodys("jobs")),
        ErasureRule("retention_state", .nobodys("tables")),
        ErasureRule("schema_metadata", .nobodys("the schema")),
        ErasureRule("schema_migrations", .nobodys("the schema")),
    ]

    /// The columns that the contract gives the tables whose rows stay under the pseudonym. Any other is an operator's, and nobody knows what is in it.
    static let knownColumns: [String: Set<String>] = [
        "usage_logs": [
            "id", "user_id", "request_id", "model", "input_tokens", "output_tokens", "total_tokens", "cost", "latency",
            "status", "error_message", "ip_address", "user_agent", "created_at", "updated_at",
        ],
        "audit_logs": [
            "id", "user_id", "action", "resource_type", "resource_id", "ip_address", "user_agent", "metadata",
            "created_at",
        ],
    ]

    /// Columns that are emptied in rows that stay.
    static let emptied: [String: [String]] = [
        "usage_logs": ["error_message", "ip_address", "user_agent"],
        "audit_logs": ["ip_address", "user_agent", "metadata"],
    ]
}
