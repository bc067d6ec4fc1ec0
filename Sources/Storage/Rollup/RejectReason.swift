/// Why a usage row is set aside instead of counted. A row is counted whole or not at all.
package enum RejectReason: String, Sendable, CaseIterable {
    case timeUnreadable = "time_unreadable"
    case timeOutOfRange = "time_out_of_range"
    case userUnusable = "user_unusable"
    case modelUnusable = "model_unusable"
    case tokensUnusable = "tokens_unusable"
    case costUnusable = "cost_unusable"
    case latencyUnusable = "latency_unusable"

    /// What to correct in the row so that it counts.
    package var remedy: String {
        switch self {
        case .timeUnreadable: "write created_at as ISO 8601 or as Unix seconds or milliseconds"
        case .timeOutOfRange: "give created_at a year from 0000 to 9999"
        case .userUnusable: "give user_id a text of at most 1,024 bytes without NUL"
        case .modelUnusable: "give model a text of at most 1,024 bytes without NUL"
        case .tokensUnusable: "give the token columns whole numbers from 0 to 10^12"
        case .costUnusable: "give cost a number from 0 to 1,000,000 dollars"
        case .latencyUnusable: "give latency whole milliseconds from 0 to 10^9"
        }
    }
}

/// A row that was set aside.
struct Reject: Equatable {
    let reason: RejectReason
    /// What stood there, cut to something readable.
    let detail: String
}
