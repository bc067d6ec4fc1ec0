/// New values for a row that is there already; nil leaves the column as it stands.
struct Correction {
    var cost: Double?
    var status: String?
    var outputTokens: Int64?

    static let update = """
        UPDATE usage_logs
        SET cost = COALESCE(?, cost),
            status = COALESCE(?, status),
            output_tokens = COALESCE(?, output_tokens)
        WHERE id = ?
        """

    func bind(to statement: SQLiteStatement, id: Int64) {
        statement.bind(cost, at: 1)
        statement.bind(status, at: 2)
        statement.bind(outputTokens, at: 3)
        statement.bind(id, at: 4)
    }
}
