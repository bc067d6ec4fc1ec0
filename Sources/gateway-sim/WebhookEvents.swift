import Foundation

/// Events that the gateway tells of, each in the transaction of the request that it is about.
struct WebhookEvents {
    /// After how many of a hundred requests there is one.
    var percent: Double
    /// Whose endpoints are told; nil: the request's own user's.
    var user: String?
    /// Of a payload, about.
    var bytes: Int
    private var count = 0
    private let filler: String

    init(percent: Double, user: String?, bytes: Int) {
        self.percent = percent
        self.user = user
        self.bytes = bytes
        filler = String(repeating: "x", count: max(0, bytes - 120))
    }

    static let insert = """
        INSERT INTO webhook_events (id, user_id, event_type, payload, created_at)
        VALUES (?, ?, 'usage.recorded', ?, ?)
        """

    /// The id tells when it was written, in microseconds since 1970, so that a receiver knows how long it was on its way.
    mutating func bind(to statement: SQLiteStatement, for row: UsageRow) {
        count += 1
        let now = Self.microseconds()
        statement.bind("sim-\(now)-\(count)", at: 1)
        statement.bind(user ?? row.userID, at: 2)
        statement.bind(
            #"{"type":"usage.recorded","request_id":"\#(row.requestID)","model":"\#(row.model)","filler":"\#(filler)"}"#,
            at: 3)
        statement.bind(now / 1_000, at: 4)
    }

    static func microseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }
}
