import GRDB
import Scheduling
package import Webhooks

/// A new state of an endpoint, and what is to be told of it.
package struct EndpointChange: Sendable {
    package enum Notice: Sendable, Equatable {
        case disabled(EndpointHealth.Cause)
        case urlChanged
        case enabled
    }

    package let endpoint: String
    package let record: EndpointRecord
    /// Nil where only counters moved.
    package let notice: Notice?
    /// Whether the state is to be written: not where a command has come after it.
    private(set) var writesRecord = true

    package init(_ endpoint: String, _ record: EndpointRecord, _ notice: Notice? = nil) {
        self.endpoint = endpoint
        self.record = record
        self.notice = notice
    }

    package var tellingOnly: EndpointChange {
        var change = self
        change.writesRecord = false
        return change
    }
}

extension Outbox {
    func apply(_ change: EndpointChange, _ db: Database, now: Instant) throws {
        if change.writesRecord { try change.record.write(db, change.endpoint) }
        guard let notice = change.notice else { return }
        let cause: String
        switch notice {
        case .enabled:
            return try AuditTrail.note(
                "webhook.endpoint_enabled", on: "webhooks", id: change.endpoint, facts: [:], now: now, db)
        case .disabled(let reason): cause = reason.rawValue
        case .urlChanged: cause = "url_changed"
        }
        try EndpointChange.tell(of: change.endpoint, disabledBy: cause, now, db)
    }
}

extension EndpointChange {
    /// Puts it down for the record, and has its owner's other endpoints hear of it, and the operators'.
    static func tell(of endpoint: String, disabledBy cause: String, _ now: Instant, _ db: Database) throws {
        let user = try String.fetchOne(db, sql: "SELECT user_id FROM webhooks WHERE id = ?", arguments: [endpoint])
        try AuditTrail.note(
            "webhook.endpoint_disabled", on: "webhooks", id: endpoint, facts: ["cause": cause], now: now, db)
        try OwnEvent.endpointDisabled(endpoint: endpoint, cause: cause, user: user).insert(db, now: now)
    }
}
