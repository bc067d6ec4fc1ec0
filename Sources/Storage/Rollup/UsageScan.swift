import GRDB
import GRDBSQLite
import Scheduling

/// The statements that read usage rows and their logged images, always in the accumulator's column order.
enum UsageScan {
    static let columns = "user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at"

    /// Feeds the rows with `after` < id ≤ `through` as they stood when the claim was published.
    ///
    /// What happened to them since then is in the change log of the same snapshot: for such a row its first old image is fed instead, or
    /// nothing if it only came there later. So the sums are the same whenever they are formed, also after a crash, and the log's entries are
    /// counted afterwards, each exactly once.
    static func readClaimed(_ db: Database, after: Int64, through: Int64, into accumulator: UsageAccumulator) throws {
        let firsts = try RawStatement(
            db,
            """
            SELECT row_id, MIN(seq)
            FROM usage_changes
            WHERE row_id > ?1 AND row_id <= ?2
            GROUP BY row_id
            """)
        firsts.bind(after, at: 1)
        firsts.bind(through, at: 2)
        var firstChange: [Int64: Int64] = [:]
        while try firsts.step() {
            firstChange[sqlite3_column_int64(firsts.handle, 0)] = sqlite3_column_int64(firsts.handle, 1)
        }
        firsts.reset()

        let rows = try RawStatement(
            db,
            """
            SELECT id, \(columns)
            FROM usage_logs
            WHERE id > ?1 AND id <= ?2
            """)
        rows.bind(after, at: 1)
        rows.bind(through, at: 2)
        while try rows.step() {
            let id = sqlite3_column_int64(rows.handle, 0)
            if !firstChange.isEmpty, firstChange[id] != nil { continue }
            try accumulator.accumulate(rows.handle, from: 1, rowID: id, sign: 1)
        }
        rows.reset()

        guard !firstChange.isEmpty else { return }
        let image = try RawStatement(
            db,
            """
            SELECT \(columns)
            FROM usage_changes
            WHERE seq = ?1 AND sign = -1
            """)
        for (id, seq) in firstChange {
            image.bind(seq, at: 1)
            if try image.step() { try accumulator.accumulate(image.handle, from: 0, rowID: id, sign: 1) }
            image.reset()
        }
    }

    /// Feeds up to `limit` log entries after `seq`, oldest first. Returns the last one's seq, nil when there are none.
    ///
    /// Of a row that changed several times only the first old and the last new image are fed: those between cancel out, and would only blur
    /// which greatest latency was taken away.
    ///
    /// - Parameters:
    ///   - rowLimit: entries of rows above this are passed over: those rows are not counted yet.
    ///   - sign: +1 to correct totals by the log, −1 to undo it.
    static func readChanges(
        _ db: Database, after seq: Int64, limit: Int64, through rowLimit: Int64 = .max, sign: Int64 = 1,
        into accumulator: UsageAccumulator
    ) throws -> Int64? {
        let window = try RawStatement(
            db,
            """
            SELECT seq, row_id
            FROM usage_changes
            WHERE seq > ?1
            ORDER BY seq
            LIMIT ?2
            """)
        window.bind(seq, at: 1)
        window.bind(limit, at: 2)
        var span: [Int64: (first: Int64, last: Int64)] = [:]
        var last: Int64?
        while try window.step() {
            let entry = sqlite3_column_int64(window.handle, 0)
            span[sqlite3_column_int64(window.handle, 1), default: (entry, entry)].last = entry
            last = entry
        }
        window.reset()
        guard let last else { return nil }

        let changes = try RawStatement(
            db,
            """
            SELECT seq, row_id, sign, \(columns)
            FROM usage_changes
            WHERE seq > ?1 AND seq <= ?2
            ORDER BY seq
            """)
        changes.bind(seq, at: 1)
        changes.bind(last, at: 2)
        while try changes.step() {
            let entry = sqlite3_column_int64(changes.handle, 0)
            let rowID = sqlite3_column_int64(changes.handle, 1)
            let isNew = sqlite3_column_int64(changes.handle, 2) > 0
            guard rowID <= rowLimit, let span = span[rowID], isNew ? entry == span.last : entry == span.first else {
                continue
            }
            try accumulator.accumulate(changes.handle, from: 3, rowID: rowID, sign: isNew ? sign : -sign)
        }
        changes.reset()
        return last
    }

    /// Feeds the counted rows (id ≤ `through`) of some days as they stand now. Rows of neighbouring days may pass by; the accumulator is to look
    /// at `only` these days.
    ///
    /// Uses the index on created_at, whose order mixes forms: numbers come before texts, and a text with an offset of its own may stand a day
    /// off. So three ranges are read, and of the dates beside the text range the rows that do carry an offset.
    static func readDays(
        _ db: Database, _ days: ClosedRange<Day>, calendar: DayCalendar, through: Int64,
        into accumulator: UsageAccumulator
    ) throws {
        try forEachRow(db, days, calendar: calendar, columns: columns, through: through) { statement, id in
            try accumulator.accumulate(statement, from: 1, rowID: id, sign: 1)
        }
    }

    /// Ids of a day's rows through the cursor, ascending; nil where there are more than `most`. From the index alone.
    static func ids(
        _ db: Database, _ day: Day, calendar: DayCalendar, through: Int64, most: Int
    ) throws -> [Int64]? {
        var calendar = calendar
        var ids: [Int64] = []
        try forEachRow(db, day...day, calendar: calendar, columns: "created_at", through: through) { statement, id in
            guard ids.count <= most, let instant = UsageAccumulator.instant(statement, 1),
                calendar.day(of: instant) == day
            else { return }
            ids.append(id)
        }
        guard ids.count <= most else { return nil }
        ids.sort()
        return ids
    }

    /// Feeds rows by their ids, ascending, as they stand now. One that is gone by now is passed over.
    static func readRows(_ db: Database, _ ids: ArraySlice<Int64>, into accumulator: UsageAccumulator) throws {
        let row = try RawStatement(
            db,
            """
            SELECT id, \(columns)
            FROM usage_logs
            WHERE id BETWEEN ?1 AND ?2
            ORDER BY id
            """)
        defer { row.reset() }
        var rest = ids
        while let first = rest.first {
            let stretch = rest.prefix(Neighbours.length(rest) { $0 })
            rest = rest.dropFirst(stretch.count)
            var expected = stretch
            row.bind(first, at: 1)
            row.bind(stretch.last ?? first, at: 2)
            while try row.step() {
                let id = sqlite3_column_int64(row.handle, 0)
                while let next = expected.first, next < id { expected = expected.dropFirst() }
                guard expected.first == id else { continue }
                try accumulator.accumulate(row.handle, from: 1, rowID: id, sign: 1)
            }
            row.reset()
        }
    }

    /// Calls `visit` with the id (column 0) and the columns of every row that may belong to the days.
    static func forEachRow(
        _ db: Database, _ days: ClosedRange<Day>, calendar: DayCalendar, columns: String, through: Int64,
        visit: (OpaquePointer, Int64) throws -> Void
    ) throws {
        var calendar = calendar
        let start = calendar.bounds(of: days.lowerBound).lowerBound
        let end = calendar.bounds(of: days.upperBound).upperBound
        var utc = DayCalendar.utc
        // The UTC dates that the zone's days touch; beyond the calendar's ends the bounds are the texts before and after every date.
        let firstDate = utc.day(of: start) ?? .first
        let lastDate = utc.day(of: Instant(milliseconds: end.milliseconds - 1)) ?? .last
        func text(_ day: Day?, else word: String) -> String { day?.description ?? word }
        let low = text(firstDate.advanced(by: -1), else: "0000-01-01")
        let high = text(lastDate.advanced(by: 2), else: "9999-12-32")
        let innerLow = firstDate.description
        let innerHigh = text(lastDate.advanced(by: 1), else: "9999-12-32")
        let texts = try RawStatement(
            db,
            """
            SELECT id, \(columns)
            FROM usage_logs
            WHERE created_at >= ?1 AND created_at < ?2
              AND id <= ?3
            """)
        texts.bind(through, at: 3)
        try withBytes(innerLow, innerHigh) { low, high in
            texts.bind(low, at: 1)
            texts.bind(high, at: 2)
            while try texts.step() { try visit(texts.handle, sqlite3_column_int64(texts.handle, 0)) }
            texts.reset()
        }
        let one = try RawStatement(
            db,
            """
            SELECT id, \(columns)
            FROM usage_logs
            WHERE id = ?1
            """)
        for margin in [(low, innerLow), (innerHigh, high)] {
            for id in try idsWithOffset(db, from: margin.0, to: margin.1, through: through) {
                one.bind(id, at: 1)
                if try one.step() { try visit(one.handle, id) }
                one.reset()
            }
        }
        let numbers = try RawStatement(
            db,
            """
            SELECT id, \(columns)
            FROM usage_logs
            WHERE created_at >= ?1 AND created_at < ?2
              AND id <= ?3
            """)
        // Unix seconds, then Unix milliseconds. A fraction of a second before the end still belongs to the day.
        for scale in [Int64(1000), 1] {
            numbers.bind(start.milliseconds / scale - 1, at: 1)
            numbers.bind(end.milliseconds / scale + 1, at: 2)
            numbers.bind(through, at: 3)
            while try numbers.step() { try visit(numbers.handle, sqlite3_column_int64(numbers.handle, 0)) }
            numbers.reset()
        }
    }

    /// Rows between two dates whose time carries an offset of its own, as `+02:00`, which may put them on another date than their text says. Looked
    /// for in the index alone, and here: with two of SQLite's functions for each row it took three times as long.
    private static func idsWithOffset(
        _ db: Database, from low: String, to high: String, through: Int64
    ) throws -> [Int64] {
        let times = try RawStatement(
            db,
            """
            SELECT id, created_at
            FROM usage_logs
            WHERE created_at >= ?1 AND created_at < ?2
              AND id <= ?3
            """)
        times.bind(through, at: 3)
        var ids: [Int64] = []
        try withBytes(low, high) { low, high in
            times.bind(low, at: 1)
            times.bind(high, at: 2)
            while try times.step() {
                if hasOffset(UsageColumn(times.handle, 1).bytes) { ids.append(sqlite3_column_int64(times.handle, 0)) }
            }
            times.reset()
        }
        return ids
    }

    /// A sign behind the date's ten bytes.
    private static func hasOffset(_ time: UnsafeBufferPointer<UInt8>) -> Bool {
        guard time.count > 10 else { return false }
        return time[10...].contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
    }

    private static func withBytes(
        _ first: String, _ second: String,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        try ContiguousArray(first.utf8).withUnsafeBufferPointer { first in
            try ContiguousArray(second.utf8).withUnsafeBufferPointer { second in try body(first, second) }
        }
    }
}
