import Foundation
import GRDB
import GRDBSQLite
import Scheduling

/// The newest rows of one name, sorted into series.
struct MetricsReading: Sendable {
    private let start: Instant
    private(set) var unusable = 0
    private(set) var isCut = false
    /// By the text of their tags: most series always have the same.
    private var byText: [String?: Rows] = [:]

    private struct Rows: Sendable {
        var unit: String?
        var latest: MetricSeries.Point
        var recent: [MetricSeries.Point] = []

        mutating func add(_ point: MetricSeries.Point, _ unit: String?, isRecent: Bool) {
            if point.at > latest.at {
                latest = point
                self.unit = unit
            }
            if isRecent { recent.append(point) }
        }
    }

    init(start: Instant) {
        self.start = start
    }

    /// Where rows of the window may lie, in the order of the index (sqlite.org/datatype3.html, section 4.1: NULL, numbers, texts, blobs).
    ///
    /// Others write a T between date and hour, which sorts after a space: so the first part holds all of the window's texts, and earlier
    /// ones of its first day. The second is for series that have fallen silent; the third holds Unix times; the last has no time at all.
    static let parts = [
        "timestamp >= ?2", "timestamp < ?2 AND timestamp >= ''", "timestamp < ''", "timestamp IS NULL",
    ]

    static func sql(_ part: String) -> String {
        """
        SELECT metric_value, metric_unit, tags, timestamp
        FROM system_metrics
        WHERE metric_name = ?1 AND \(part)
        ORDER BY timestamp DESC
        LIMIT ?3
        """
    }

    mutating func read(_ db: Database, _ name: String, _ limits: MetricsReport.Limits) throws {
        for (index, part) in Self.parts.enumerated() {
            let limit = index == 0 ? limits.recentRows : limits.olderRows
            var name = name
            var bound = start.contractText
            try name.withUTF8 { name in
                try bound.withUTF8 { bound in
                    let statement = try RawStatement(db, Self.sql(part))
                    defer { statement.reset() }
                    statement.bind(name, at: 1)
                    statement.bind(bound, at: 2)
                    statement.bind(Int64(limit), at: 3)
                    var count = 0
                    while try statement.step() {
                        count += 1
                        add(statement.handle)
                    }
                    if index == 0, count == limit { isCut = true }
                }
            }
        }
    }

    private mutating func add(_ row: OpaquePointer) {
        let type = sqlite3_column_type(row, 0)
        guard type == SQLITE_FLOAT || type == SQLITE_INTEGER, let at = UsageColumn(row, 3).instant else {
            unusable += 1
            return
        }
        let point = MetricSeries.Point(at: at, value: sqlite3_column_double(row, 0))
        let unit = Self.text(row, 1)
        byText[Self.text(row, 2), default: Rows(unit: unit, latest: point)].add(point, unit, isRecent: at >= start)
    }

    private static func text(_ row: OpaquePointer, _ column: Int32) -> String? {
        guard sqlite3_column_type(row, column) == SQLITE_TEXT else { return nil }
        return String(decoding: UsageColumn(row, column).bytes, as: UTF8.self)
    }

    func series(named name: String) -> [MetricSeries] {
        // Two texts may say the same: another order of the keys, other white space.
        var byTags: [[String: String]: Rows] = [:]
        for (text, rows) in byText {
            let tags = Self.tags(text)
            guard var known = byTags[tags] else {
                byTags[tags] = rows
                continue
            }
            if rows.latest.at > known.latest.at {
                known.latest = rows.latest
                known.unit = rows.unit
            }
            known.recent += rows.recent
            byTags[tags] = known
        }
        return byTags.map { tags, rows in
            MetricSeries(
                name: name, unit: rows.unit, tags: tags, latest: rows.latest,
                recent: rows.recent.sorted { $0.at < $1.at })
        }.sorted { $0.sortKey.lexicographicallyPrecedes($1.sortKey) }
    }

    /// The members of a JSON object as texts; what is no object stands whole under `(tags)`.
    static func tags(_ text: String?) -> [String: String] {
        guard let text, !text.isEmpty else { return [:] }
        guard let members = try? JSONDecoder().decode([String: TagValue].self, from: Data(text.utf8)) else {
            return ["(tags)": text]
        }
        return members.mapValues(\.text)
    }

    /// A tag of somebody else's may be a number or worse.
    private struct TagValue: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let string = try? value.decode(String.self) {
                text = string
            } else if let bool = try? value.decode(Bool.self) {
                text = "\(bool)"
            } else if let integer = try? value.decode(Int64.self) {
                text = "\(integer)"
            } else {
                // Nested values and null make the whole text stand as it is.
                text = "\(try value.decode(Double.self))"
            }
        }
    }
}

extension MetricSeries {
    fileprivate var sortKey: [String] { tags.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] } }
}
