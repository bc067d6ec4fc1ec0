// Everything that this room has to say in `system_metrics`. The host's own table stands in the room Host.
//
// Names and tag keys are those of the OpenTelemetry semantic conventions where they have one: `gen_ai.client.operation.duration`,
// `gen_ai.request.model`, `db.collection.name` (generative AI and database, version 1.45). They know neither a gateway's requests a minute
// nor SQLite's files: those are called `gateway.…`, `db.sqlite.…` and, for this program, `tallyd.…`.

extension MetricRow {
    /// The keys of tags.
    enum Tag {
        static let part = "db.sqlite.part"
        static let table = "db.collection.name"
        static let model = "gen_ai.request.model"
        static let quantile = "quantile"
        static let outcome = "tallyd.run.outcome"
    }

    /// Every metric of this room, in the order in which a person would look for them.
    package static let documentation: [Definition] = Definition.gateway + Definition.database + Definition.own
}

extension MetricRow.Definition {
    private typealias Tag = MetricRow.Tag

    static let requests = Self(
        .rate, "gateway.request.rate", "{request}/min", "Rows that came into usage_logs, whatever is in them.")
    static let errors = Self(
        .rate, "gateway.error.rate", "{request}/min", "Those of them whose status is not exactly 'success'.")
    static let tokens = Self(
        .rate, "gateway.token.rate", "{token}/min", "Their tokens: of each the larger of total and input + output.")
    static let cost = Self(
        .rate, "gateway.cost.rate", "{USD}/min", "Their recorded cost, summed in nano-dollars; estimates are not in it."
    )
    static let uncosted = Self(
        .rate, "gateway.request.uncosted.rate", "{request}/min",
        "Requests with tokens and without a recorded cost, which gateway.cost.rate therefore knows nothing of.")
    static let odd = Self(
        .rate, "gateway.request.odd.rate", "{request}/min",
        "Requests with a user, model, token count, cost or latency that the rollup would set aside: they count as requests and errors, and nothing else of them is used."
    )
    static let unread = Self(
        .window, "gateway.request.unread", "{request}",
        "Requests beyond the \(GatewayFigures.Limits.rows) newest, at most: no other figure knows them.")
    static let users = Self(
        .window, "gateway.user.active", "{user}", "Different users among the requests since the reading before.")
    static let duration = Self(
        .window, "gen_ai.client.operation.duration", "s", tags: [Tag.model, Tag.quantile],
        "Latency below which that share (0.5, 0.95, 0.99) of a model's requests lies, within 1.6 %. The \(GatewayFigures.Limits.models) busiest models, and \(GatewayFigures.rest) for the others together."
    )

    static let gateway = [requests, errors, tokens, cost, uncosted, odd, unread, users, duration]

    static let size = Self(
        .gauge, "db.sqlite.size", "By", tags: [Tag.part],
        "The database (file), its write-ahead log as a file (wal), and what of the database is free for reuse (freelist)."
    )
    static let growth = Self(
        .delta, "db.sqlite.growth", "By", tags: [Tag.part], "What these have grown by; below zero where they shrank.")
    static let tableRows = Self(
        .gauge, "db.sqlite.table.rows", "{row}", tags: [Tag.table],
        "Rows of a table. Exact where its ids span \(DatabaseFigures.exactSpan) or fewer; else that span, which is too high by what was deleted in between, and never too low."
    )
    static let writes = Self(.delta, "tallyd.lock.writes", "{write}", "Transactions that tallyd committed.")
    static let holdTime = Self(
        .delta, "tallyd.lock.hold_time", "s", "Time for which they held the write lock.")
    static let longestHold = Self(
        .gauge, "tallyd.lock.longest_hold", "s", "The longest that one of them held it since tallyd started.")
    static let lostRaces = Self(
        .delta, "tallyd.lock.lost_races", "{attempt}", "Attempts that found the write lock taken and gave way.")
    static let waitTime = Self(.delta, "tallyd.lock.wait_time", "s", "Time for which tallyd then waited.")
    static let walPages = Self(
        .delta, "tallyd.wal.pages", "{page}", "Pages that tallyd wrote to the write-ahead log.")
    static let checkpoints = Self(
        .delta, "tallyd.wal.checkpoints", "{checkpoint}", "Passive checkpoints that tallyd ran.")

    static let database = [
        size, growth, tableRows, writes, holdTime, longestHold, lostRaces, waitTime, walPages, checkpoints,
    ]

    static let lagRows = Self(
        .gauge, "tallyd.rollup.lag.rows", "{row}", "Usage rows that are not counted yet, at most (by ids).")
    static let lagTime = Self(
        .gauge, "tallyd.rollup.lag.time", "s",
        "Age of the oldest of them; 0 when all are counted, none where its time can't be read.")
    static let lanes = Self(.gauge, "tallyd.lane.count", "{lane}", "Lanes that stand, each with a job.")
    static let heartbeatAge = Self(
        .gauge, "tallyd.heartbeat.oldest_age", "s", "Time since the lane that has been silent longest gave a sign.")
    static let runs = Self(
        .delta, "tallyd.run.count", "{run}", tags: [Tag.outcome], "Runs that ended, by how they did.")
    static let runLockTime = Self(
        .delta, "tallyd.run.lock_time", "s", "Time for which these runs held the write lock.")
    static let interval = Self(
        .window, "tallyd.metrics.interval", "s", "Time since the reading before: what deltas and windows are about.")

    static let own = [lagRows, lagTime, lanes, heartbeatAge, runs, runLockTime, interval]
}
