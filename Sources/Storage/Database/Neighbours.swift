/// Rows whose ids lie next to each other, which are read by one range of ids: starting a statement costs as much as finding a row.
enum Neighbours {
    /// Rows that are read together: a millisecond's at most.
    private static let most = 64
    /// Between two of them there may be so many ids of other rows, which are then read in vain.
    private static let widestGap: Int64 = 16

    /// How many of the first rows are neighbours, in the order of their ids: one at least.
    static func length<Row>(_ rows: some Collection<Row>, id: (Row) -> Int64) -> Int {
        var length = 0
        var last: Int64?
        for row in rows.prefix(most) {
            let rowID = id(row)
            if let last {
                let (gap, isFar) = rowID.subtractingReportingOverflow(last)
                guard !isFar, gap > 0, gap <= widestGap else { break }
            }
            last = rowID
            length += 1
        }
        return length
    }
}
