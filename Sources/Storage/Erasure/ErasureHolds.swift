import GRDB
import Scheduling

/// The holds in force that may keep a person's rows, as one transaction sees them.
///
/// A hold on the person is in the way whatever it covers. One on everybody is in the way where it matches a row of theirs: a time that can't be
/// read lies in every hold's days, and of several times of a row any one does.
struct ErasureHolds {
    private let user: String
    private let holds: [RetentionHolds.Hold]
    private var calendar: DayCalendar

    init(_ db: Database, user: String, zone: Zone, now: Instant) throws {
        self.user = user
        calendar = DayCalendar(zone: zone)
        holds = try RetentionHolds.fetch(
            db,
            """
            WHERE released_at_ms IS NULL
              AND (ends_at_ms IS NULL OR ends_at_ms > ?)
              AND (user_id IS NULL OR user_id = ?)
              -- an unknown table's name keeps nothing
              AND (table_name IS NULL OR table_name IN (\(Self.tables)))
            """, [now.milliseconds, user])
    }

    private static let tables = RetentionTable.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")

    /// On the person by name.
    var personal: RetentionHolds.Hold? { holds.first { $0.scope.user != nil } }

    /// Whether no row needs to be looked at: most databases have no hold on everybody.
    var areNone: Bool { holds.isEmpty }

    /// The hold that keeps a row.
    ///
    /// - Parameter times: the row's, as a statement's columns; nil among them was NULL.
    mutating func hold(on rule: ErasureRule, row: Row, times: Range<Int>) -> RetentionHolds.Hold? {
        for hold in holds where hold.scope.user != nil || isOn(hold, rule) {
            if hold.scope.user != nil || (hold.scope.from == nil && hold.scope.through == nil) || times.isEmpty {
                return hold
            }
            for index in times where covers(hold, row[index]) { return hold }
        }
        return nil
    }

    /// The hold that keeps rows of an archive.
    func hold(onArchiveOf table: String, day: Day) -> RetentionHolds.Hold? {
        holds.first { hold in
            if hold.scope.user != nil { return true }
            let rule = ErasureRule.of(table)
            let isOnTable = hold.scope.table == nil || (rule?.heldAs).map { $0 == hold.scope.table } ?? false
            return isOnTable && (hold.scope.from ?? .first) <= day && (hold.scope.through ?? .last) >= day
        }
    }

    private func isOn(_ hold: RetentionHolds.Hold, _ rule: ErasureRule) -> Bool {
        hold.scope.table == nil || (rule.heldAs != nil && rule.heldAs == hold.scope.table)
            || (rule.table == "usage_logs" && hold.scope.table == .rejects)
    }

    private mutating func covers(_ hold: RetentionHolds.Hold, _ value: DatabaseValue) -> Bool {
        func covers(_ day: Day) -> Bool {
            (hold.scope.from ?? .first) <= day && (hold.scope.through ?? .last) >= day
        }
        if let day = String.fromDatabaseValue(value).flatMap({ Day($0) }) { return covers(day) }
        let instant: Instant? =
            switch value.storage {
            case .string(let text): Instant(iso8601: text)
            case .int64(let number): Instant(unix: Double(number))
            case .double(let number): Instant(unix: number)
            case .null, .blob: nil
            }
        guard let day = instant.flatMap({ calendar.day(of: $0) }) else { return !value.isNull }
        return covers(day)
    }

    static func refusal(_ hold: RetentionHolds.Hold) -> StorageError {
        StorageError(
            .held, cannot: "erase", "the user",
            because: "hold \(hold.id) (\(hold.scope.words)) keeps rows: \(hold.reason)",
            remedy: "Once they may go, run `tallyd hold release \(hold.id)`, then erase again.")
    }
}
