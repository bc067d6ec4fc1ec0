import GRDB
import GRDBSQLite

extension Store {
    /// Reads the columns that the rollup reads of the newest rows, and does nothing with them: the yardstick of the benchmark.
    package func scan(last rows: Int) async throws -> Int {
        try await read("scan") { db in
            let statement = try RawStatement(
                db,
                """
                SELECT id, \(UsageScan.columns)
                FROM usage_logs
                WHERE id > (SELECT MAX(id) FROM usage_logs) - ?1
                """)
            statement.bind(Int64(rows), at: 1)
            var bytes = 0
            while try statement.step() {
                for column in Int32(0)..<10 where sqlite3_column_type(statement.handle, column) == SQLITE_TEXT {
                    bytes += Int(sqlite3_column_bytes(statement.handle, column))
                }
            }
            statement.reset()
            return bytes
        }
    }
}
