import GRDB
import Webhooks

/// Who is to be told of a user's events: read anew in every transaction that fans out, so that no change of webhooks is overlooked.
struct SubscribedEndpoints {
    struct Endpoint {
        /// Nil where it is no text, or one with a NUL in it: the same letters may be another user's endpoint, which would be sent this one's events.
        let id: String?
        let filter: Result<EventFilter, Defect>
        /// Why nothing can be sent to it; nil: something can.
        let obstacle: String?
        /// Told only to what waits already.
        let isFailing: Bool
        let isOrdered: Bool
    }

    let filters: FilterCache
    let plan: FanOutPlan
    private var known: [String: [Endpoint]] = [:]

    init(filters: FilterCache, plan: FanOutPlan) {
        self.filters = filters
        self.plan = plan
    }

    /// The user's, and the operators'.
    mutating func told(of user: String?, _ db: Database) throws -> [Endpoint] {
        // Once where the user is an operator too, or one is named twice.
        var users: [String] = []
        for next in plan.operators + [user].compactMap(\.self) where !users.contains(next) { users.append(next) }
        return try users.flatMap { try endpoints(of: $0, db) }
    }

    private mutating func endpoints(of user: String, _ db: Database) throws -> [Endpoint] {
        if let known = known[user] { return known }
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT CASE WHEN typeof(w.id) = 'text' AND instr(CAST(w.id AS BLOB), x'00') = 0 THEN w.id END, CAST(w.url AS TEXT), CAST(w.events AS TEXT), COALESCE(e.standing, 'enabled'),
                           COALESCE(e.is_ordered, 0), CAST(w.secret AS TEXT)
                    FROM webhooks w
                    LEFT JOIN webhook_endpoints e ON e.webhook_id = w.id
                    WHERE w.user_id = ?
                      AND lower(CAST(w.is_active AS TEXT)) IN ('1', 'true')  -- clients write TRUE, 1 or 'true'
                    ORDER BY w.id
                    """),
            arguments: [user])
        let found = try rows.map { row in
            let standing = try standing(row[3], of: row[0], url: row[1], secret: row[5], db)
            return Endpoint(
                id: row[0], filter: filters.filter(row[2] ?? ""), obstacle: obstacle(url: row[1], standing),
                isFailing: standing == "failing", isOrdered: row[4])
        }
        known[user] = found
        return found
    }

    /// With its present url and secret taken in, as the delivery will: where both are new, it is a new endpoint under an old name.
    private func standing(_ stored: String, of id: String?, url: String?, secret: String?, _ db: Database) throws
        -> String
    {
        guard stored == "gone" || stored == "failing", let id, let url,
            var record = try EndpointRecord.read(db, id), record.takeIn(url: url, secret: secret)
        else { return stored }
        return record.health.standing == .enabled ? "enabled" : stored
    }

    private func obstacle(url: String?, _ standing: String) -> String? {
        if standing == "gone" { return "endpoint_gone" }
        if standing == "switched_off" { return "endpoint_disabled" }
        guard let url else { return "url_null" }
        do throws(Defect) {
            _ = try DeliveryURL(url, allowingHTTP: plan.allowsHTTP)
            return nil
        } catch {
            return error.name
        }
    }
}
