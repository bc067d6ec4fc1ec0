import Foundation
import GRDB
package import Scheduling

/// The contract's table `system_metrics`, as this program writes it.
package struct MetricsStore: Sendable {
    private let store: Store

    package init(store: Store) {
        self.store = store
    }

    /// All rows of a reading as one write, of `MetricID.mostRows` at most. All but the inserting itself is done here, before anybody holds
    /// the lock.
    ///
    /// Times are the contract's `YYYY-MM-DD HH:MM:SS` in UTC, tags a JSON object with its keys in order, or NULL where there are none: so a
    /// series' tags are always the same text. A row whose value is no number is left out, as the column takes none.
    package static func writing(_ rows: [MetricRow], at time: Instant) -> SlotWrite {
        writing(rows, at: time, salt: .random(in: MetricID.salts))
    }

    static func writing(_ rows: [MetricRow], at time: Instant, salt: UInt32) -> SlotWrite {
        let ids = MetricID(at: time, salt: salt)
        let timestamp = time.contractText
        // By name: neighbours in the index on (metric_name, timestamp) come one after the other.
        let usable = rows.filter(\.value.isFinite).sorted { $0.name < $1.name }.prefix(MetricID.mostRows)
        let arguments = usable.enumerated().map { index, row in
            StatementArguments(
                [ids[index], row.name, row.value, row.unit, json(row.tags), timestamp]
                    as [(any DatabaseValueConvertible)?])
        }
        return SlotWrite(rows: Int64(arguments.count)) { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO system_metrics (id, metric_name, metric_value, metric_unit, tags, timestamp)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                    """)
            for arguments in arguments { try statement.execute(arguments: arguments) }
        }
    }

    /// Reads the pages that a write of these metrics will change, so that they are in memory when it holds the lock.
    ///
    /// The write touches the last page of each name in the index on (metric_name, timestamp), some seventy pages that lie all over the file. Had
    /// a disk to bring them, 150 rows would hold the lock for 10.4 ms; with this before, they do for 3.0, and 1.3 once in memory (measured on
    /// 6.5 million rows).
    package func warm(_ rows: [MetricRow]) async throws {
        let names = Set(rows.map(\.name))
        try await store.read("read metrics of", on: 1) { db in
            let last = try db.cachedStatement(sql: "SELECT MAX(timestamp) FROM system_metrics WHERE metric_name = ?")
            for name in names.sorted() { _ = try DatabaseValue.fetchOne(last, arguments: [name]) }
            for column in ["id", "timestamp", "rowid"] {
                _ = try DatabaseValue.fetchOne(db.cachedStatement(sql: "SELECT MAX(\(column)) FROM system_metrics"))
            }
        }
    }

    static func json(_ tags: [String: String]) -> String? {
        guard !tags.isEmpty else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts alone: there is nothing that can't be encoded.
        return (try? encoder.encode(tags)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension Instant {
    /// As SQLite's CURRENT_TIMESTAMP writes it: `YYYY-MM-DD HH:MM:SS`, in UTC. Milliseconds in words outside of the years 0000 to 9999.
    var contractText: String {
        let text = description
        return text.hasSuffix("Z") ? text.prefix(10) + " " + text.dropFirst(11).prefix(8) : text
    }
}
