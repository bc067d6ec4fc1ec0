import GRDB
import Scheduling

/// Where the batches of a large claim should end: after the last rows of days.
///
/// A batch's totals are written in the order of users, so a day that is cut by a border of batches is written twice, and the second time its keys
/// lie far apart: they touched almost every page of the table that the first batch had written (measured: 14,000 of 131,000 pages for
/// 5,000,000 rows, and one total in fifteen written twice). And the newest day's totals should lie side by side: a tick touches most of them, and
/// rewrites a third of the pages then (430 instead of 1,243 for 2,700 keys, which doubled its time).
///
/// Rows arrive roughly in the order of time and not exactly, and days here are those of the stored text. An estimate is good enough, since where
/// batches end changes no total.
struct BatchBorders {
    /// Ascending row ids. A batch that begins before the last one ends there at the latest.
    private let ids: [Int64]

    /// Claims over more days than this have no borders but the newest day's: each costs a search of an index.
    private static let mostDays = 1_000

    init(_ ids: [Int64]) {
        self.ids = ids
    }

    /// - Returns: no borders for a claim that is one batch anyway, or whose rows' times say nothing.
    static func read(_ db: Database, _ state: RollupState) throws -> BatchBorders {
        guard state.claim - state.cursor > UsageBatch.manyRows else { return BatchBorders([]) }
        let ends = try Row.fetchOne(
            db,
            sql: """
                SELECT (SELECT substr(created_at, 1, 10) FROM usage_logs WHERE id > ?1 ORDER BY id LIMIT 1),
                       (SELECT substr(created_at, 1, 10) FROM usage_logs WHERE id <= ?2 ORDER BY id DESC LIMIT 1)
                """,
            arguments: [state.cursor, state.claim])
        guard let last = ends.flatMap({ Day($0[1] as String? ?? "") }) else { return BatchBorders([]) }
        let first = ends.flatMap { Day($0[0] as String? ?? "") } ?? last
        let days = max(first.number + 1, last.number - Int32(mostDays))..<max(first.number + 1, last.number)
        // Without an index on the time, which a gateway's owner may have dropped, each of these would be a scan.
        let isIndexed = try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (
                  SELECT 1
                  FROM pragma_index_list('usage_logs') AS list, pragma_index_info(list.name) AS part
                  WHERE part.seqno = 0 AND part.name = 'created_at' AND list.partial = 0
                )
                """)
        guard isIndexed == true else { return BatchBorders([]) }
        let statement = try db.cachedStatement(
            sql: "SELECT id FROM usage_logs WHERE created_at >= ? ORDER BY created_at LIMIT 1")
        var ids: [Int64] = []
        for day in Array(days) + [last.number] {
            let date = Day(number: Int(day))?.description
            // The day's earliest row may have come late, so a border is left out where the next one comes before it.
            guard let id = try Int64.fetchOne(statement, arguments: [date]), id - 1 > state.cursor, id <= state.claim
            else { continue }
            while let before = ids.last, before >= id - 1 { ids.removeLast() }
            ids.append(id - 1)
        }
        return BatchBorders(ids)
    }

    /// Where the batch that begins after `start` ends at the latest.
    func end(after start: Int64, claim: Int64) -> Int64 {
        if let newest = ids.last, start < newest { newest } else { claim }
    }

    /// The next border after a row.
    func next(after row: Int64) -> Int64? {
        // Binary search for the first id above it.
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] > row { high = middle } else { low = middle + 1 }
        }
        return low < ids.count ? ids[low] : nil
    }

    /// Whether a batch that has come to `row` with so many keys ends there: at a border when it is nearly full, anywhere when it is overfull.
    func ends(at row: Int64, keys: Int, full: Int) -> Bool {
        let isAtBorder = next(after: row - 1) == row
        // The average day of the measured database has 7 % of a batch's keys.
        return ids.isEmpty || isAtBorder ? keys >= full - full / 16 : keys - keys / 9 >= full
    }
}
