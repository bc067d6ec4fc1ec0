import Foundation
import GRDB
import Scheduling

/// What tallyd itself tells of, through the same queue as the gateway's events. deploy/webhook-events describes each payload as a JSON schema.
///
/// Written in the transaction of what it tells of. Most are nobody's, and so the operators' alone.
enum OwnEvent {
    case daySealed(day: String, DayTotal)
    case purged(table: String, day: String?, rows: Int, run: String)
    case driftFound(day: String, keys: Int)
    case endpointDisabled(endpoint: String, cause: String, user: String?)

    static let types = ["usage.day_sealed", "retention.purged", "rollup.drift_found", endpointDisabledType]
    /// Its payload names the endpoint that it is about, which is not told itself.
    static let endpointDisabledType = "webhook.endpoint_disabled"

    private var type: String {
        switch self {
        case .daySealed: "usage.day_sealed"
        case .purged: "retention.purged"
        case .driftFound: "rollup.drift_found"
        case .endpointDisabled: Self.endpointDisabledType
        }
    }

    private var user: String? {
        if case .endpointDisabled(_, _, let user) = self { user } else { nil }
    }

    private struct Payload: Encodable {
        var day: String?
        var requests: Int64?
        var tokens: Int64?
        var costNanos: Int64?
        var table: String?
        var rows: Int?
        var run: String?
        var keys: Int?
        var endpoint: String?
        var cause: String?
    }

    private var payload: Payload {
        switch self {
        case .daySealed(let day, let total):
            Payload(day: day, requests: total.requests, tokens: total.tokens, costNanos: total.costNanos)
        case .purged(let table, let day, let rows, let run): Payload(day: day, table: table, rows: rows, run: run)
        case .driftFound(let day, let keys): Payload(day: day, keys: keys)
        case .endpointDisabled(let endpoint, let cause, _): Payload(endpoint: endpoint, cause: cause)
        }
    }

    func insert(_ db: Database, now: Instant) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try db.execute(
            sql: "INSERT INTO webhook_events (user_id, event_type, payload, created_at) VALUES (?, ?, ?, ?)",
            arguments: [
                user, type, String(decoding: try encoder.encode(payload), as: UTF8.self), now.milliseconds,
            ])
    }
}

/// What a day's totals come to, over all users and models.
struct DayTotal: Sendable, Equatable {
    /// Nil where the sum passes 2^63, which a single absurd row can bring about: that day is told of without it.
    private(set) var requests: Int64? = 0
    private(set) var tokens: Int64? = 0
    private(set) var costNanos: Int64? = 0

    /// Added up here: SQL's SUM would end the statement at such a row, and with it the sealing.
    static func read(_ db: Database, _ day: Day) throws -> DayTotal {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT COALESCE(total_requests, 0), COALESCE(total_tokens, 0), cost_nanos
                FROM daily_usage_stats
                WHERE date = ?
                """,
            arguments: [day.description])
        var total = DayTotal()
        while let row = try rows.next() {
            total.requests = sum(total.requests, row[0])
            total.tokens = sum(total.tokens, row[1])
            total.costNanos = sum(total.costNanos, row[2])
        }
        return total
    }

    private static func sum(_ left: Int64?, _ right: Int64) -> Int64? {
        guard let (sum, overflow) = left?.addingReportingOverflow(right), !overflow else { return nil }
        return sum
    }
}
