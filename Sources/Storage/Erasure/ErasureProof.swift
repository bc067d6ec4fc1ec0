import Foundation
import GRDB
import GRDBSQLite
import Scheduling
import Synchronization

/// Proves that an erasure changes no total: the sums of the person's and the pseudonym's rows of daily_usage_stats, by day and model, before and after.
///
/// The gateway goes on meanwhile, so what it did is told apart and added exactly. Two things it can do:
///
/// 1. New rows of the person. They have ids above the cursor that the first figures were taken at, and are added up from raw rows at the end, as they
///    then stand.
/// 2. Changes of rows that were counted before. They stand in the change log beside the erasure's own, whose positions are known; the rollup
///    shows each part of the log before it removes it.
///
/// A greatest latency is no sum. It is compared where nothing was taken away by others. Of a day that was still marked when the first figures were taken
/// one of them may stand for rows that had been corrected by then (a random history found it): deriving the day makes it smaller.
final class ErasureProof: Sendable {
    private let names: (user: String, pseudonym: String)
    private let zone: Zone
    private let state: Mutex<State>

    private struct State {
        var before: Figures
        /// Open days that were to be derived again then, since log entries of the gateway's kept the rollup from it.
        let marked: Set<String>
        var cursor: Int64
        /// Positions in the change log that the erasure's own bites wrote.
        var own: [ClosedRange<Int64>] = []
        var others = Figures()
    }

    /// What was compared, for the receipt.
    struct Result: Sendable, Equatable {
        var keys = 0
        var requests: Int128 = 0
        var tokens: Int128 = 0
        var costNanos: Int128 = 0
        /// Requests that the gateway added or took away meanwhile.
        var requestsOfOthers: Int128 = 0
        var differences: [String] = []
    }

    /// To be made when everything is counted.
    init(_ db: Database, record: ErasureRecord, zone: Zone) throws {
        names = (record.user, record.pseudonym)
        self.zone = zone
        state = Mutex(
            State(
                before: try Self.stored(db, record.user, record.pseudonym),
                marked: try String.fetchSet(
                    db,
                    sql: "SELECT date FROM rollup_dirty_days WHERE date NOT IN (SELECT date FROM usage_days)"),
                cursor: try RollupState.read(db).cursor))
    }

    /// Calls `change`, and notes what it wrote to the change log as the erasure's own.
    func noting<T>(_ db: Database, _ change: () throws -> T) throws -> T {
        let before = try Self.lastChange(db)
        let result = try change()
        let after = try Self.lastChange(db)
        guard after > before else { return result }
        state.withLock { state in
            // With nobody else about they are one.
            if let last = state.own.last, last.upperBound == before {
                state.own[state.own.count - 1] = last.lowerBound...after
            } else {
                state.own.append((before + 1)...after)
            }
        }
        return result
    }

    private static func lastChange(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'usage_changes'")) ?? 0
    }

    /// For the rollup: notes what others changed, before it removes the log up to a position.
    var watch: @Sendable (Database, _ through: Int64) throws -> Void {
        { db, through in
            let (cursor, own) = self.state.withLock { ($0.cursor, $0.own) }
            let others = try self.changes(db, through: through, rows: cursor, except: own)
            self.state.withLock { $0.others.add(others) }
        }
    }

    /// Compares. Everything that the erasure changed has been counted.
    func compare(_ db: Database) throws -> Result {
        let state = state.withLock { $0 }
        let cursor = try RollupState.read(db).cursor
        var found = try Self.stored(db, names.user, names.pseudonym)
        let waiting = try changes(db, through: .max, rows: cursor, except: [])
        found.add(waiting)
        var others = state.others
        others.add(try changes(db, through: .max, rows: state.cursor, except: state.own))
        let disturbed = Set(others.sums.keys).union(waiting.sums.keys)
        others.add(try newRows(db, after: state.cursor, through: cursor))
        var expected = state.before
        expected.add(others)
        return Self.difference(found, expected, others, disturbed, marked: state.marked)
    }

    private static func difference(
        _ found: Figures, _ expected: Figures, _ others: Figures, _ disturbed: Set<Figures.Key>, marked: Set<String>
    ) -> Result {
        var result = Result()
        let zeros = Array(repeating: Int128(0), count: Figures.names.count)
        for key in Set(found.sums.keys).union(expected.sums.keys).sorted() {
            let values = found.sums[key] ?? zeros
            for (name, pair) in zip(Figures.names, zip(values, expected.sums[key] ?? zeros)) where pair.0 != pair.1 {
                result.differences.append("\(key.words): \(name) is \(pair.0) instead of \(pair.1)")
            }
            // Where nothing is left to count, a place that was kept for a greatest latency may be gone.
            guard values.contains(where: { $0 != 0 }) else { continue }
            let (greatest, wanted) = (found.greatest[key] ?? 0, expected.greatest[key] ?? 0)
            let mayBeLess = marked.contains(key.date)
            // Of a new row that was corrected on a closed day the greater latency stands.
            let mayBeMore = others.sums[key] != nil
            let isRight = greatest == wanted || (greatest < wanted ? mayBeLess : mayBeMore)
            if !disturbed.contains(key), !isRight {
                result.differences.append("\(key.words): latency_max_ms is \(greatest) instead of \(wanted)")
            }
            guard found.sums[key] != nil else { continue }
            result.keys += 1
            result.requests += values[0]
            result.tokens += values[5]
            result.costNanos += values[6]
        }
        result.requestsOfOthers = others.sums.values.reduce(0) { $0 + $1[0] }
        return result
    }

    // MARK: Reading

    private static func stored(_ db: Database, _ user: String, _ pseudonym: String) throws -> Figures {
        var figures = Figures()
        // A figure of 1.0.0's may be REAL.
        let columns = Figures.names.map { "CAST(COALESCE(\($0), 0) AS INTEGER)" }.joined(separator: ", ")
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT date, CAST(model AS BLOB), latency_max_ms, \(columns)
                FROM daily_usage_stats
                WHERE user_id IN (?, ?)
                """,
            arguments: [user, pseudonym])
        while let row = try rows.next() {
            let model: Data? = row[1]
            figures.add(
                (0..<Figures.names.count).map { Int128(row[3 + $0] as Int64) }, greatest: row[2],
                to: Figures.Key(date: row[0], model: model.map { Array($0) }))
        }
        return figures
    }

    private func rules(_ db: Database) throws -> CountingRules {
        CountingRules(
            calendar: DayCalendar(zone: zone), prices: try PriceBook.read(db), adopted: try Rollup.adoptedDays(db))
    }

    /// What the log says of the two, of rows up to an id.
    private func changes(
        _ db: Database, through: Int64, rows rowLimit: Int64, except own: [ClosedRange<Int64>]
    ) throws -> Figures {
        let accumulator = UsageAccumulator(rules: try rules(db))
        let changes = try RawStatement(
            db,
            """
            SELECT seq, row_id, sign, \(UsageScan.columns)
            FROM usage_changes
            WHERE seq <= ?1 AND row_id <= ?2 AND (user_id = ?3 OR user_id = ?4)
            """)
        try bind(changes, through, rowLimit) {
            while try changes.step() {
                let position = sqlite3_column_int64(changes.handle, 0)
                guard !own.contains(where: { $0.contains(position) }) else { continue }
                try accumulator.accumulate(
                    changes.handle, from: 3, rowID: sqlite3_column_int64(changes.handle, 1),
                    sign: sqlite3_column_int64(changes.handle, 2))
            }
        }
        var figures = Figures()
        figures.add(accumulator)
        return figures
    }

    private func newRows(_ db: Database, after: Int64, through: Int64) throws -> Figures {
        let accumulator = UsageAccumulator(rules: try rules(db))
        let rows = try RawStatement(
            db,
            """
            SELECT id, \(UsageScan.columns)
            FROM usage_logs
            WHERE id > ?1 AND id <= ?2 AND (user_id = ?3 OR user_id = ?4)
            """)
        try bind(rows, after, through) {
            while try rows.step() {
                try accumulator.accumulate(
                    rows.handle, from: 1, rowID: sqlite3_column_int64(rows.handle, 0), sign: 1)
            }
        }
        var figures = Figures()
        figures.add(accumulator)
        return figures
    }

    private func bind(
        _ statement: RawStatement, _ first: Int64, _ second: Int64, _ work: () throws -> Void
    ) throws {
        let user = ContiguousArray(names.user.utf8)
        let pseudonym = ContiguousArray(names.pseudonym.utf8)
        try user.withUnsafeBufferPointer { user in
            try pseudonym.withUnsafeBufferPointer { pseudonym in
                statement.bind(first, at: 1)
                statement.bind(second, at: 2)
                statement.bind(user, at: 3)
                statement.bind(pseudonym, at: 4)
                defer { statement.reset() }
                try work()
            }
        }
    }
}
