import ArgumentParser
import Scheduling
import Storage

/// `tallyd rollup rejects`.
struct RollupRejects: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejects",
        abstract: "List the usage rows that were set aside, and what makes them count.",
        discussion: """
            A row that can't be counted as it stands is set aside, never dropped. Correct it in usage_logs by an UPDATE, and the \
            rollup counts it. The newest come first.

            EXAMPLES
              tallyd rollup rejects
              tallyd rollup rejects --limit 1000 --json
            """)

    @OptionGroup var options: DatabaseOptions

    @Option(help: "Rows that are listed at most.")
    var limit = 50

    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit \(limit) lists nothing: write 1 or more.") }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let rows = try await RejectedRow.read(database.store, limit: limit)
        let total = try await RollupStatus.read(database.store).rejects.values.reduce(0, +)
        print(json ? try Self.json(rows, total: total).text() : Self.text(rows, total: total))
    }

    static func text(_ rows: [RejectedRow], total: Int64) -> String {
        guard !rows.isEmpty else { return "no row is set aside" }
        var table = TextTable([.right("row"), .left("reason"), .left("what stands there"), .left("set aside at")])
        table.rows = rows.map { [String($0.rowID), $0.reason.rawValue, $0.detail, $0.rejectedAt.description] }
        var lines = table.lines()
        for reason in RejectReason.allCases where rows.contains(where: { $0.reason == reason }) {
            lines.append("\(reason.rawValue): to count it, \(reason.remedy)")
        }
        if total > rows.count {
            lines.append("… \(Figures.count(rows.count)) of \(Figures.count(total)): --limit lists more")
        }
        return lines.joined(separator: "\n")
    }

    static func json(_ rows: [RejectedRow], total: Int64) -> JSONValue {
        [
            "total": JSONValue(total),
            "rejects": JSONValue(
                rows.map { row in
                    [
                        "row_id": JSONValue(row.rowID), "reason": .string(row.reason.rawValue),
                        "detail": .string(row.detail),
                        "remedy": .string(row.reason.remedy), "rejected_at": JSONValue(row.rejectedAt),
                    ]
                }),
        ]
    }
}
