import GRDB

/// What the rows that came into usage_logs since the reading before say of the gateway.
///
/// A window is a range of ids, since these are in the order of arrival: whatever a row's created_at says, it's in exactly one window, and
/// finding it takes the primary key alone. A row that is corrected or removed later stays in the figures of the minute in which it came:
/// exact totals are the rollup's business.
package struct GatewayFigures: Sendable, Equatable {
    /// The highest id: where the next window begins.
    package let through: Int64
    /// Nil where there was no reading before.
    package let window: Window?

    /// Sums over the rows of a window.
    package struct Window: Sendable, Equatable {
        /// Rows read.
        package var requests: Int64 = 0
        /// Rows that were too many to be read, at most.
        package var unread: Int64 = 0
        /// Whose status is not exactly 'success'.
        package var errors: Int64 = 0
        /// Rows that the rollup would set aside: counted above, and nothing else of them is used.
        package var odd: Int64 = 0
        package var tokens: Int64 = 0
        /// Recorded, in nano-dollars.
        package var costNanos: Int128 = 0
        /// Rows with tokens and without a recorded cost.
        package var uncosted: Int64 = 0
        package var users: Int = 0
        /// The busiest models, the busiest first, and `rest` at the end where there are more.
        package var latencies: [Latency] = []
    }

    package struct Latency: Sendable, Equatable {
        package let model: String
        package let requests: Int64
        /// In milliseconds, within 1.6 %, for each of `quantiles`.
        package let milliseconds: [Double]
    }

    package static let quantiles = [0.5, 0.95, 0.99]
    /// The model that stands for all that have no series of their own.
    package static let rest = "(rest)"
    /// Over less than this a rate would be noise: the window goes on instead.
    package static let shortest = Duration.milliseconds(500)

    /// What bounds a reading.
    package struct Limits: Sendable {
        /// Rows of a window that are read, the newest: 3,333 a second at a minute's interval. Reading them takes 53 ms (measured).
        package static let rows: Int64 = 200_000
        /// Models with series of their own.
        package static let models = 8

        package var rows = Self.rows
        /// Rows of one snapshot: 2.6 ms (measured), far from the 250 that a snapshot may last, also on a slow disk.
        package var rowsPerSnapshot: Int64 = 10_000
        package var models = Self.models

        package init() {}
    }

    /// - Parameter previous: where the reading before ended; nil for the first, which has no window.
    package static func read(
        _ store: Store, since previous: Int64?, limits: Limits = Limits()
    ) async throws -> GatewayFigures {
        let last = try await store.read("find the newest usage row of", on: 1) { db in
            try Int64.fetchOne(db.cachedStatement(sql: "SELECT MAX(id) FROM usage_logs")) ?? 0
        }
        guard let previous else { return GatewayFigures(through: last, window: nil) }
        let scan = GatewayScan(after: previous, through: last)
        // From the newest down, so that what is too much is the oldest. Removed rows leave `last` below `previous`: then nothing came.
        var left = limits.rows
        while left > 0, !scan.isDone {
            let count = min(left, limits.rowsPerSnapshot)
            try await store.read("read usage rows of", on: 1) { db in try scan.read(db, count: count) }
            left -= count
        }
        if !scan.isDone {
            try await store.read("read usage rows of", on: 1) { db in try scan.noteUnread(db) }
        }
        return GatewayFigures(through: last, window: scan.window(models: limits.models))
    }

    /// Rates are of each minute of `elapsed`, the time since the reading before. No rows without a window, and for a negative or no time.
    package func rows(elapsed: Duration) -> [MetricRow] {
        guard let window, elapsed > .zero else { return [] }
        let minutes = elapsed / .seconds(60)
        func rate(_ metric: MetricRow.Definition, _ amount: Double) -> MetricRow { MetricRow(metric, amount / minutes) }
        var rows = [
            rate(.requests, Double(window.requests)), rate(.errors, Double(window.errors)),
            rate(.tokens, Double(window.tokens)), rate(.cost, Double(window.costNanos) / 1e9),
            rate(.uncosted, Double(window.uncosted)), rate(.odd, Double(window.odd)),
            MetricRow(.unread, Double(window.unread)), MetricRow(.users, Double(window.users)),
        ]
        for latency in window.latencies {
            for (quantile, milliseconds) in zip(Self.quantiles, latency.milliseconds) {
                let tags = [MetricRow.Tag.model: latency.model, MetricRow.Tag.quantile: "\(quantile)"]
                rows.append(MetricRow(.duration, milliseconds / 1_000, tags))
            }
        }
        return rows
    }
}
