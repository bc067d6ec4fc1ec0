import Foundation
import GRDBSQLite
import Scheduling

/// What decides whether and where a usage row counts, apart from the row itself.
struct CountingRules: Sendable {
    var calendar: DayCalendar
    var prices: PriceBook
    /// Days whose figures 1.0.0 left behind, with the greatest row id that is in them already.
    var adopted: [Day: Int64]
}

/// Sums usage rows by day, user and model: a hash table of integers, fed straight from SQLite's columns.
///
/// The columns are, in this order: user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at.
/// Rows may be added and taken away in any order; the result depends on neither order nor grouping.
final class UsageAccumulator {
    struct GroupKey: Hashable {
        let user: UInt32
        let model: UInt32
        let day: Int32
    }

    let users = KeyInterner()
    let models = KeyInterner()
    // Unchecked, as in the tables that it feeds: a row makes a dozen accesses, whose checks at run time were a twentieth of a first rollup
    // (measured). What they guard against can't happen: an accumulator belongs to one bite at a time, and none of its methods takes a closure.
    @exclusivity(unchecked) private(set) var keys: [GroupKey] = []
    @exclusivity(unchecked) private(set) var sums: [UsageSums] = []
    @exclusivity(unchecked) private var table: [UInt32] = Array(repeating: 0, count: 4_096)

    /// Requests by (model, day, bucket), packed by `HistogramKey`.
    let histogram = HistogramCounts()
    /// By row id: rows set aside, or (nil) no longer set aside.
    private(set) var rejects: [Int64: Reject?] = [:]
    /// Rows fed, counted or not.
    @exclusivity(unchecked) private(set) var rows: Int64 = 0

    @exclusivity(unchecked) private var rules: CountingRules
    @exclusivity(unchecked) private var prices: [KnownPrice] = []

    /// Only this day is summed, when set; other days' rows pass by, and so do rejects.
    private let only: ClosedRange<Day>?

    static let tokensLimit: Int64 = 1_000_000_000_000
    static let latencyLimitMilliseconds: Int64 = 1_000_000_000
    static let costLimitNanos: Int64 = 1_000_000_000_000_000

    init(rules: CountingRules, only: ClosedRange<Day>? = nil) {
        self.rules = rules
        self.only = only
    }

    /// Adds (sign +1) or takes away (sign −1) the row that the statement stands on.
    @inline(__always)
    func accumulate(_ statement: OpaquePointer, from column: Int32, rowID: Int64, sign: Int64) throws {
        rows &+= 1
        if let reject = try count(statement, column, rowID, sign) {
            set(aside: rowID, reject, sign: sign)
        }
    }

    /// Counts the row, or says why not.
    @inline(__always)
    private func count(_ statement: OpaquePointer, _ column: Int32, _ rowID: Int64, _ sign: Int64) throws -> Reject? {
        guard let instant = UsageColumn(statement, column + 8).instant else {
            return reject(.timeUnreadable, statement, column + 8)
        }
        guard let day = rules.calendar.day(of: instant) else { return reject(.timeOutOfRange, statement, column + 8) }
        if let only, !only.contains(day) { return nil }

        guard let user = UsageColumn(statement, column).key(in: users) else {
            return reject(.userUnusable, statement, column)
        }
        guard let model = UsageColumn(statement, column + 1).key(in: models) else {
            return reject(.modelUnusable, statement, column + 1)
        }
        guard let input = UsageColumn(statement, column + 2).integer(upTo: Self.tokensLimit) else {
            return reject(.tokensUnusable, statement, column + 2)
        }
        guard let output = UsageColumn(statement, column + 3).integer(upTo: Self.tokensLimit) else {
            return reject(.tokensUnusable, statement, column + 3)
        }
        guard let recordedTotal = UsageColumn(statement, column + 4).integer(upTo: Self.tokensLimit) else {
            return reject(.tokensUnusable, statement, column + 4)
        }
        guard let cost = UsageColumn(statement, column + 5).real, let recordedNanos = Money.nanos(dollars: cost) else {
            return reject(.costUnusable, statement, column + 5)
        }
        guard let latency = UsageColumn(statement, column + 6).integer(upTo: Self.latencyLimitMilliseconds) else {
            return reject(.latencyUnusable, statement, column + 6)
        }

        var row = UsageSums()
        row.requests = 1
        row.successes = UsageColumn(statement, column + 7).isSuccess ? 1 : 0
        row.inputTokens = input
        row.outputTokens = output
        row.totalTokens = max(recordedTotal, input + output)
        row.latencySumMilliseconds = latency
        row.latencyMaxMilliseconds = latency
        // "cost > 0" is asked of the stored number, not of its nano-dollars: a recorded cost below half a nano-dollar is recorded all the same.
        if cost > 0 {
            row.costNanos = recordedNanos
        } else if let price = price(of: model, at: instant) {
            guard let estimate = price.estimateNanos(input: input, output: output), estimate <= Self.costLimitNanos
            else {
                return reject(.costUnusable, statement, column + 5)
            }
            row.costNanos = estimate
            row.estimatedCostNanos = estimate
            // Tokens that are neither input nor output have no price of their own.
            row.unpricedTokens = row.totalTokens - input - output
        } else {
            row.unpricedTokens = row.totalTokens
        }
        row.unpricedRequests = row.unpricedTokens > 0 ? 1 : 0

        if !rules.adopted.isEmpty, let through = rules.adopted[day], rowID <= through { return nil }

        let key = GroupKey(user: user, model: model, day: day.number)
        let group = self.group(key)
        guard sums[group].add(row, sign: sign) else { throw overflow(of: key, at: " at usage_logs row \(rowID)") }
        histogram.add(sign, to: HistogramKey(model: model, day: day.number, bucket: LatencyBuckets.bucket(of: latency)))
        return nil
    }

    /// Adds another's sums to a key's.
    func add(_ added: UsageSums, to key: GroupKey) throws {
        let group = self.group(key)
        guard sums[group].add(added, sign: 1) else { throw overflow(of: key, at: "") }
    }

    /// Takes over what another one fed and set aside; the rows of the two are different ones.
    func absorbCounts(of other: UsageAccumulator) {
        rows += other.rows
        rejects.merge(other.rejects) { _, new in new }
    }

    private func overflow(of key: GroupKey, at place: String) -> StorageError {
        let day = Day(number: Int(key.day)).map { "\($0)" } ?? "an unknown day"
        return StorageError(
            .sumOverflow, cannot: "add up",
            "usage of user \(users.string(key.user)), model \(models.string(key.model)) on \(day)",
            because: "a sum passes 2^63\(place)",
            remedy: "Correct or delete the absurd rows of that key, then it goes on by itself.")
    }

    private func set(aside rowID: Int64, _ reject: Reject, sign: Int64) {
        // Of some days' rows, those whose time says no day are none.
        if only != nil, reject.reason == .timeUnreadable || reject.reason == .timeOutOfRange { return }
        rejects[rowID] = sign > 0 ? .some(reject) : .some(nil)
    }

    private func reject(_ reason: RejectReason, _ statement: OpaquePointer, _ column: Int32) -> Reject {
        let detail: String
        switch sqlite3_column_type(statement, column) {
        case SQLITE_NULL: detail = "NULL"
        case SQLITE_BLOB: detail = "a blob of \(sqlite3_column_bytes(statement, column)) bytes"
        case SQLITE_TEXT:
            let bytes = UsageColumn(statement, column).bytes
            let head = String(decoding: bytes.prefix(80), as: UTF8.self).replacing("\0", with: "␀")
            detail = bytes.count > 80 ? "\(head)… (\(bytes.count) bytes)" : head
        default: detail = String(decoding: UsageColumn(statement, column).bytes, as: UTF8.self)
        }
        return Reject(reason: reason, detail: detail)
    }

    @inline(__always)
    private func group(_ key: GroupKey) -> Int {
        let mask = table.count - 1
        var slot = Self.hash(key) & mask
        while true {
            let entry = table[slot]
            if entry == 0 { break }
            if keys[Int(entry) - 1] == key { return Int(entry) - 1 }
            slot = (slot + 1) & mask
        }
        keys.append(key)
        sums.append(UsageSums())
        table[slot] = UInt32(keys.count)
        if keys.count * 2 > table.count { grow() }
        return keys.count - 1
    }

    private func grow() {
        var larger = [UInt32](repeating: 0, count: table.count * 2)
        let mask = larger.count - 1
        for (index, key) in keys.enumerated() {
            var slot = Self.hash(key) & mask
            while larger[slot] != 0 { slot = (slot + 1) & mask }
            larger[slot] = UInt32(index + 1)
        }
        table = larger
    }

    @inline(__always)
    private static func hash(_ key: GroupKey) -> Int {
        var hash = (UInt64(key.user) << 32 | UInt64(UInt32(bitPattern: key.day))) &* 0x9E37_79B9_7F4A_7C15
        hash ^= UInt64(key.model) &* 0xC2B2_AE3D_27D4_EB4F
        hash ^= hash >> 32
        return Int(truncatingIfNeeded: hash & 0x7FFF_FFFF_FFFF_FFFF)
    }

    /// Most models have one price for all time: that one is found without a search.
    @inline(__always)
    private func price(of model: UInt32, at instant: Instant) -> PriceBook.Price? {
        if Int(model) >= prices.count { learnPrices() }
        switch prices[Int(model)] {
        case .constant(let price): return price
        case .changing(let entries): return PriceBook.price(in: entries, at: instant)
        }
    }

    private enum KnownPrice {
        case constant(PriceBook.Price?)
        case changing([PriceBook.Entry])
    }

    private func learnPrices() {
        while prices.count < models.keys.count {
            let entries = rules.prices.entries[Verbatim(models.string(UInt32(prices.count)))] ?? []
            let isConstant = entries.isEmpty || (entries.count == 1 && entries[0].effectiveFrom == PriceBook.beginning)
            prices.append(isConstant ? .constant(entries.first?.price) : .changing(entries))
        }
    }

    /// What created_at means; nil when it can't be read. Shared with everything that places a row in time.
    static func instant(_ statement: OpaquePointer, _ column: Int32) -> Instant? {
        UsageColumn(statement, column).instant
    }
}
