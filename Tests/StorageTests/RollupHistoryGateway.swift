import Foundation
import GRDB
import TestSupport

/// The gateway: rows that come, change, move and go.
extension RollupHistory {
    func act(times: Int) throws {
        for _ in 0..<times {
            let live = oracle.rows.filter { !$0.value.isPurged }.keys.sorted()
            switch pick(1...10) {
            case 1...5: try insert()
            case 6...8: if let id = live.randomElement(using: &random) { try update(id) }
            case 9: if let id = live.randomElement(using: &random) { try remove(id) }
            default: if let id = live.randomElement(using: &random) { try moveAway(id) }
            }
        }
    }

    func randomRow() -> Oracle.Row {
        Oracle.Row(
            user: ["ann", "bob", "a-b", ""][pick(0...3)], model: ["alpha", "beta", "gamma", "b-gamma"][pick(0...3)],
            input: Int64(pick(0...3000)), output: Int64(pick(0...3000)), total: chance(20) ? Int64(pick(0...9000)) : 0,
            costNanos: chance(50) ? Int64(pick(1...5_000_000_000)) : 0,
            latency: Int64(chance(80) ? pick(0...300) : pick(0...900_000)),
            success: chance(80), date: nil)
    }

    /// Five days around a change of the clocks, in many written forms. Returns what is written and the day that it means.
    func randomTime() -> (DatabaseValue, String?) {
        if chance(6) {
            return (
                ["yesterday", "2026-02-31", "", "2026-10-25T25:00:00Z", "20261025"].randomElement(using: &random)?
                    .databaseValue ?? .null, nil
            )
        }
        let seconds = 1_792_800_000 + pick(0...432_000)  // from 2026-10-24 00:00 UTC
        let date = Date(timeIntervalSince1970: Double(seconds))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone.timeZone
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        let day = String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
        func text(_ offset: Int, _ format: String) -> String {
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = TimeZone(secondsFromGMT: offset)
            formatter.dateFormat = format
            return formatter.string(from: date)
        }
        switch pick(1...8) {
        case 1...3: return (text(0, "yyyy-MM-dd'T'HH:mm:ss.123'Z'").databaseValue, day)
        case 4...5: return (text(0, "yyyy-MM-dd HH:mm:ss").databaseValue, day)
        case 6: return (text(7200, "yyyy-MM-dd'T'HH:mm:ss'+02:00'").databaseValue, day)
        case 7: return (seconds.databaseValue, day)
        default: return ((Int64(seconds) * 1000 + 999).databaseValue, day)
        }
    }

    func insert() throws {
        var row = randomRow()
        let (time, date) = randomTime()
        row.date = date
        let tokens: any DatabaseValueConvertible = chance(4) ? -5 : row.input
        if tokens as? Int == -5 { row.isOdd = true }
        let id = try sample.insert(
            user: row.user, model: row.model, input: tokens, output: row.output, total: row.total,
            cost: Double(row.costNanos) / 1e9, latency: row.latency, status: row.success ? "success" : "error", at: time
        )
        oracle.rows[id] = row
        log.append("insert \(id) \(row)")
    }

    func update(_ id: Int64) throws {
        guard var row = oracle.rows[id] else { return }
        let other = randomRow()
        switch pick(1...7) {
        case 1:
            row.costNanos = other.costNanos
            try sample.execute("UPDATE usage_logs SET cost = ? WHERE id = ?", [Double(row.costNanos) / 1e9, id])
        case 2:
            row.success.toggle()
            try sample.execute(
                "UPDATE usage_logs SET status = ? WHERE id = ?", [row.success ? "success" : "timeout", id])
        case 3:
            row.input = other.input
            row.output = other.output
            row.total = other.total
            row.isOdd = false
            try sample.execute(
                "UPDATE usage_logs SET input_tokens = ?, output_tokens = ?, total_tokens = ? WHERE id = ?",
                [row.input, row.output, row.total, id])
        case 4:
            row.user = other.user
            row.model = other.model
            try sample.execute("UPDATE usage_logs SET user_id = ?, model = ? WHERE id = ?", [row.user, row.model, id])
        case 5:
            row.latency = other.latency
            try sample.execute("UPDATE usage_logs SET latency = ? WHERE id = ?", [row.latency, id])
        case 6:
            let (time, date) = randomTime()
            row.date = date
            try sample.execute("UPDATE usage_logs SET created_at = ? WHERE id = ?", [time, id])
        default:
            row.isOdd = true
            try sample.execute("UPDATE usage_logs SET input_tokens = 'many' WHERE id = ?", [id])
        }
        oracle.rows[id] = row
        log.append("update \(id) \(row)")
    }

    func remove(_ id: Int64) throws {
        try sample.execute("DELETE FROM usage_logs WHERE id = ?", [id])
        oracle.rows[id] = nil
        log.append("delete \(id)")
    }

    /// A row gets another id, above all others.
    func moveAway(_ id: Int64) throws {
        // Above purged rows too: two rows of one id would be one in the oracle's dictionary.
        let last = oracle.rows.keys.max() ?? 0
        let target = last + Int64(pick(1...3))
        try sample.execute("UPDATE usage_logs SET id = ? WHERE id = ?", [target, id])
        oracle.rows[target] = oracle.rows.removeValue(forKey: id)
        log.append("move \(id) to \(target)")
    }
}
