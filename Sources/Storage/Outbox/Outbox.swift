import GRDB
package import Scheduling

/// The queue of webhooks, in the tables webhook_events, webhook_deliveries and webhook_attempts.
///
/// Events are fanned out in the order of their arrival: SQLite serialises writers and the key is AUTOINCREMENT, so every event that a snapshot shows
/// has all earlier ones before it, and one cursor tells which have been dealt with. A delivery is claimed as it is made, where there is room for it in
/// memory, so that it can go without another write. What is claimed by a process that ends is freed by the next one: events arrive at least once.
package struct Outbox: Sendable {
    let store: Store
    let term: Term?
    let filters = FilterCache()

    package init(store: Store, term: Term? = nil) {
        self.store = store
        self.term = term
    }

    /// What one write is to do, in this order as far as its time goes.
    package struct Work: Sendable {
        /// Nil: no event is fanned out.
        package var fanOut: FanOutPlan?
        package var outcomes: [DeliveryOutcome] = []
        /// Not written, and done with, where commands have changed something since `revision`; their notices are told of all the same.
        package var changes: [EndpointChange] = []
        package var revision: Int64 = 0
        /// Of which endpoints how many deliveries that are due are to be claimed.
        package var wanted: [(endpoint: String, count: Int)] = []
        /// Whether it rests as all other work does: nobody waits for it.
        package var isAtLeisure = false

        package init() {}
    }

    /// What it did. What it did not come to is to be asked for again.
    package struct Done: Sendable {
        package var fanOut: FanOut?
        /// Of `outcomes`, from the first on.
        package var outcomes = 0
        /// Of them, those whose claim was another's.
        package var lost = 0
        /// Of `changes`, from the first on.
        package var changes = 0
        /// Of `wanted`, from the first on: what was claimed, and when the endpoint's next one is due; nil: none is queued.
        package var claimed: [(endpoint: String, deliveries: [ClaimedDelivery], next: Instant?)] = []
        /// Of commands: see `webhook_outbox.revision`.
        package var revision: Int64 = 0
    }

    /// Events that one write fans out at most.
    private static let mostEvents = 64
    /// Outcomes that have their turn after each event, since an event has often more than one: so neither keeps the other waiting.
    private static let outcomesPerEvent = 4

    /// One transaction of the polite writer's.
    package func write(_ work: Work, now: Instant) async throws -> Done {
        try await store.writer.write("write the webhooks of", isUrgent: !work.isAtLeisure) { [self] db, allowance in
            try term?.check(db)
            var done = Done()
            // Of each kind of work one thing at least, however short the time is: events that keep coming must not keep outcomes and claims waiting.
            var events = try work.fanOut.map {
                try FanningOut($0, filters: filters, db, now: now, most: Self.mostEvents)
            }
            var told: Set<String> = []
            repeat {
                try events?.next(db)
                for outcome in work.outcomes.dropFirst(done.outcomes).prefix(Self.outcomesPerEvent) {
                    done.outcomes += 1
                    if try !settle(outcome, db, now: now) {
                        done.lost += 1
                    } else if outcome.settlement == .delivered {
                        told.insert(outcome.delivery.endpoint)
                    }
                }
            } while (events?.hasMore == true || done.outcomes < work.outcomes.count) && !allowance.isSpent
            done.fanOut = try events?.finish(db)
            try noteDeliveries(to: told, db, now: now)
            if done.outcomes == work.outcomes.count { done.changes = try apply(work, db, allowance, now: now) }
            for (endpoint, count) in work.wanted {
                let deliveries = try claim(endpoint, count, db, allowance, now: now)
                done.claimed.append((endpoint, deliveries, try nextDue(endpoint, db)))
                if allowance.isSpent { break }
            }
            done.revision = try Self.revision(db)
            return done
        }
    }

    /// - Returns: how many of the changes are done with.
    private func apply(_ work: Work, _ db: Database, _ allowance: Allowance, now: Instant) throws -> Int {
        let isCurrent = try Self.revision(db) == work.revision
        var applied = 0
        for change in work.changes {
            // What has happened is told of, whatever a command has said since.
            if isCurrent || change.notice != nil { try apply(isCurrent ? change : change.tellingOnly, db, now: now) }
            applied += 1
            if allowance.isSpent { break }
        }
        return applied
    }

    static func revision(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT revision FROM webhook_outbox WHERE id = 1")) ?? 0
    }

    /// What there is when a daemon begins.
    package struct Opening: Sendable {
        /// Claims of a process that is gone.
        package var freed = 0
        /// When the first delivery of each endpoint is due.
        package var due: [(endpoint: String, at: Instant)] = []
        package var revision: Int64 = 0
    }

    /// Frees what a process had claimed that is gone, and forgets deleted endpoints: to be called by whoever has just become the only one. Writes only if
    /// there is anything to do.
    ///
    /// It comes due at the time it was made, which is before everything that was queued later: so an ordered endpoint keeps its order.
    package func open() async throws -> Opening {
        var opening = Opening()
        while try await store.read(
            "look for claimed webhooks in",
            { db in
                try Bool.fetchOne(
                    db, sql: "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE state = 'claimed')") ?? false
            })
        {
            opening.freed += try await store.writer.write("free the webhooks of") { [term] db, _ in
                try term?.check(db)
                try db.execute(
                    sql: """
                        UPDATE webhook_deliveries
                        SET state = 'pending', claim = NULL, next_attempt_at = created_at
                        WHERE id IN (SELECT id FROM webhook_deliveries WHERE state = 'claimed' LIMIT 500)
                        """)
                return db.changesCount
            }
        }
        try await forgetDeleted()
        let (due, revision) = try await store.read("read the webhooks of") { db in
            try (Self.due(db), Self.revision(db))
        }
        opening.due = due
        opening.revision = revision
        return opening
    }

    /// Drops what is kept of endpoints whose row of webhooks is gone: among it are their former secrets.
    private func forgetDeleted() async throws {
        let deleted = "webhook_id NOT IN (SELECT id FROM webhooks WHERE id IS NOT NULL)"
        let found = try await store.read("look for deleted endpoints in") { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM webhook_endpoints WHERE \(deleted))") ?? false
        }
        guard found else { return }
        try await store.writer.write("forget deleted endpoints in") { [term] db, _ in
            try term?.check(db)
            try db.execute(sql: "DELETE FROM webhook_endpoints WHERE \(deleted)")
        }
    }

    /// When the first delivery of each endpoint is due that has any queued.
    package func due() async throws -> [(endpoint: String, at: Instant)] {
        try await store.read("read the webhooks of") { db in try Self.due(db) }
    }

    private static func due(_ db: Database) throws -> [(endpoint: String, at: Instant)] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT webhook_id, MIN(next_attempt_at)
                FROM webhook_deliveries
                WHERE state = 'pending'
                GROUP BY webhook_id
                """
        ).map { ($0[0], Instant(milliseconds: $0[1])) }
    }

    /// Whether there is an event that is not fanned out yet, and how often commands have changed something.
    package func look() async throws -> (hasEvents: Bool, revision: Int64) {
        try await store.read("look for webhook events in") { db in
            let row = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT EXISTS (SELECT 1 FROM webhook_events WHERE seq > fanned_out), revision
                        FROM webhook_outbox
                        WHERE id = 1
                        """))
            return (row?[0] ?? false, row?[1] ?? 0)
        }
    }
}
