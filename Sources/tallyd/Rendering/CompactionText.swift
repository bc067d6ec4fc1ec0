import Scheduling
import Storage

extension Compaction.Plan {
    /// - Parameter name: the file as it was named; a link's own name.
    func lines(_ name: String) -> [String] {
        var lines = [
            "\(name.printable): \(space.sentence)",
            "would take about \(Figures.bytes(neededBytes)) beside it meanwhile; its volume has \(room)",
            autoVacuum == space.autoVacuum
                ? "auto_vacuum stays \(space.autoVacuum.word)"
                : "auto_vacuum would be \(autoVacuum.word) instead of \(space.autoVacuum.word)",
        ]
        for user in users.users { lines.append("in the way: \(user.description.printable) has it open") }
        if users.users.isEmpty { lines.append("nobody has it open, as far as this user may see") }
        if users.hidden > 0 {
            lines.append("\(Figures.count(users.hidden)) of the processes may not be looked into by this user")
        }
        if !hasRoom { lines.append("in the way: too little room on the volume") }
        return lines + ["nothing was changed"]
    }

    private var room: String { roomBytes.map { "\(Figures.bytes($0)) free" } ?? "an unknown number of bytes free" }

    var json: JSONValue {
        [
            "path": .string(path), "bytes": JSONValue(space.bytes), "free_bytes": JSONValue(space.freeBytes),
            "free_percent": JSONValue(Figures.percentage(space.freePages, of: space.pages)),
            "needed_bytes": JSONValue(neededBytes), "volume_free_bytes": JSONValue(roomBytes),
            "has_room": .bool(hasRoom), "auto_vacuum": .string(space.autoVacuum.word),
            "auto_vacuum_after": .string(autoVacuum.word),
            "open_by": .array(
                users.users.map { ["process": JSONValue($0.process), "command": .string($0.command)] }),
            "hidden_processes": JSONValue(users.hidden),
        ]
    }
}

extension Compaction.Outcome {
    func lines(_ name: String, _ took: Duration) -> [String] {
        let given = before.bytes - after.bytes
        let change =
            given >= 0 ? "\(Figures.bytes(given)) given back" : "\(Figures.bytes(-given)) more, for its pointer maps"
        return [
            "\(name.printable): \(Figures.bytes(before.bytes)) → \(Figures.bytes(after.bytes)) in \(Self.time(took)), \(change)",
            "compared: \(Figures.count(tables, "table")) with \(Figures.count(rows, "row")), the totals, the schema; "
                + "auto_vacuum is \(after.autoVacuum.word)",
        ]
    }

    func json(_ took: Duration) -> JSONValue {
        [
            "path": .string(path), "bytes_before": JSONValue(before.bytes), "bytes_after": JSONValue(after.bytes),
            "given_back_bytes": JSONValue(before.bytes - after.bytes), "tables": JSONValue(tables),
            "rows": JSONValue(rows), "auto_vacuum": .string(after.autoVacuum.word),
            "milliseconds": JSONValue(Self.milliseconds(took)),
        ]
    }

    private static func milliseconds(_ took: Duration) -> Int64 { Int64(took / .milliseconds(1)) }

    private static func time(_ took: Duration) -> String {
        DurationText.format(.milliseconds(max(1, milliseconds(took))))
    }
}
