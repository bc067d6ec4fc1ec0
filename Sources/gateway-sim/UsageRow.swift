/// One request as the gateway logs it. Costs are dollars, latency is milliseconds.
struct UsageRow {
    var userID: String
    var requestID: String
    var model: String
    var inputTokens: Int64
    var outputTokens: Int64
    /// 0 where the gateway left the sum out, as it mostly does.
    var totalTokens: Int64
    /// 0 where the caller did not know the price.
    var cost: Double
    var latency: Int64
    var status: String
    var errorMessage: String?
    var createdAt: StoredTime
    var updatedAt: String

    /// The columns of `bind(to:)`, in its order.
    static let insert = """
        INSERT INTO usage_logs (
          user_id, request_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, error_message,
          created_at, updated_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    func bind(to statement: SQLiteStatement) {
        statement.bind(userID, at: 1)
        statement.bind(requestID, at: 2)
        statement.bind(model, at: 3)
        statement.bind(inputTokens, at: 4)
        statement.bind(outputTokens, at: 5)
        statement.bind(totalTokens, at: 6)
        statement.bind(cost, at: 7)
        statement.bind(latency, at: 8)
        statement.bind(status, at: 9)
        statement.bind(errorMessage, at: 10)
        statement.bind(createdAt, at: 11)
        statement.bind(updatedAt, at: 12)
    }
}
