/// What stands in created_at. Gateways and imports have left several forms side by side in one table.
enum StoredTime {
    case text(String)
    case unixSeconds(Int64)
    case missing

    /// One of the readable forms: of a thousand rows about 600 as JavaScript writes it, 392 as SQLite does, 4 with an offset,
    /// 4 as Unix seconds (the two that an import brings).
    static func anyReadable(_ time: WallTime, _ random: inout SplitMix64) -> StoredTime {
        switch random.below(1_000) {
        case ..<600: .text(time.javaScript)
        case ..<992: .text(time.sqlite)
        case ..<996: .text(time.twoHoursAhead)
        default: .unixSeconds(time.milliseconds / 1_000)
        }
    }

    /// What a gateway itself writes at this moment: JavaScript's form or SQLite's.
    static func anyLive(_ time: WallTime, _ random: inout SplitMix64) -> StoredTime {
        .text(random.happens(0.6) ? time.javaScript : time.sqlite)
    }

    /// Times that nobody can read, as broken clients write them.
    static let unreadable: [StoredTime] = [
        .text("yesterday"), .text("2026-13-45T99:99:99Z"), .text(""), .missing, .text("Invalid Date"),
        .text("23/11/2026 22:31"), .text("2026-02-30 12:00:00"), .text("[object Object]"),
    ]
}
