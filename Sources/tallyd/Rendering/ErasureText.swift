import Scheduling
import Storage

extension Erasure.Plan {
    /// For people.
    func text(_ user: String) -> String {
        guard hasAnything || !obstacles.isEmpty else {
            return
                "nothing of user \(user.printable) is in the database, nor in \(Figures.count(archivesRead, "archive"))"
        }
        var lines: [String] = []
        if isUnderWay { lines.append("an erasure was begun and not ended: the next run goes on with it") }
        var table = TextTable([.left("table"), .right("rows"), .right("naming"), .left("would")])
        table.rows = tables.map { table in
            let verb = table.rows == 0 ? "lose the name" : table.isDeleted ? "be deleted" : "go to the pseudonym"
            return [table.name, Figures.count(table.rows), Figures.count(table.naming), verb]
        }
        lines += table.lines()
        let rows = archives.reduce(0) { $0 + $1.lines }
        lines.append(
            "archives: \(Figures.count(archivesRead)) read, \(Figures.count(archives.count)) with \(Figures.count(rows, "row")) would be written anew"
        )
        lines += archives.map { "  \($0.entry.path.printable)  \(Figures.count($0.lines, "row"))" }
        if !unknownTables.isEmpty {
            lines.append("not tallyd's, and left as they are: \(unknownTables.joined(separator: ", ").printable)")
        }
        lines += obstacles.map { "in the way: \("\($0)".printable)" }
        if obstacles.isEmpty { lines.append("nothing is in the way") }
        return lines.joined(separator: "\n")
    }

    func json(_ user: String) -> JSONValue {
        [
            "user": .string(user), "is_under_way": .bool(isUnderWay), "archives_read": JSONValue(archivesRead),
            "tables": JSONValue(
                tables.map { table in
                    [
                        "table": .string(table.name), "rows": JSONValue(table.rows),
                        "naming": JSONValue(table.naming), "deleted": .bool(table.isDeleted),
                    ]
                }),
            "archives": JSONValue(
                archives.map { ["path": .string($0.entry.path), "rows": JSONValue($0.lines)] }),
            "unknown_tables": JSONValue(unknownTables.map { .string($0) }),
            "in_the_way": JSONValue(obstacles.map { .string("\($0)") }),
        ]
    }
}

extension Erasure.Outcome {
    /// For people.
    func text(_ user: String, freeBytes: Int64) -> String {
        guard !pseudonym.isEmpty else { return "nothing of user \(user.printable) is there" }
        // Not beside the name: this line may be kept.
        var lines = ["erased; the receipt in audit_logs is that of \(pseudonym)"]
        let known = counts.filter { !$0.key.hasPrefix("archive") }.sorted { $0.key < $1.key }
        if !known.isEmpty {
            lines.append("rows: " + known.map { "\($0.key) \(Figures.count($0.value))" }.joined(separator: ", "))
        }
        if let files = counts["archive_files"] {
            lines.append(
                "archives: \(Figures.count(files, "file")) written anew for \(Figures.count(counts["archived_rows"] ?? 0, "row"))"
            )
        }
        let added =
            requestsOfOthers == 0 ? "" : " (\(Figures.difference(requestsOfOthers)) requests by the gateway meanwhile)"
        lines.append(
            "totals: \(Figures.count(comparedKeys)) compared, equal to the nano-dollar: \(Figures.count(requests, "request")), "
                + "\(Figures.count(tokens, "token")), \(cost)\(added)")
        if freeBytes > 0 {
            lines.append(
                "free pages: \(Figures.bytes(freeBytes)) may hold rows that were deleted before; `tallyd compact` at a quiet time leaves them out"
            )
        }
        return lines.joined(separator: "\n")
    }

    func json(freeBytes: Int64) -> JSONValue {
        [
            "pseudonym": pseudonym.isEmpty ? .null : .string(pseudonym),
            "rows": .object(counts.mapValues { JSONValue($0) }), "compared_totals": JSONValue(comparedKeys),
            "requests": JSONValue(requests), "tokens": JSONValue(tokens), "cost": .dollars(cost),
            "cost_nanos": .nanos(cost), "requests_of_others": JSONValue(requestsOfOthers),
            "free_bytes": JSONValue(freeBytes),
        ]
    }
}
