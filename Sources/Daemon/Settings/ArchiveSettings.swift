import Foundation
import Scheduling
import Storage

extension RetentionTable {
    /// Their names in the order of the tables, with commas.
    static func list(_ tables: Set<RetentionTable>) -> String {
        allCases.filter(tables.contains).map(\.rawValue).joined(separator: ",")
    }
}

extension SettingKind where Value == Set<RetentionTable> {
    /// Names of tables with commas between them.
    static var tables: Self {
        let names = RetentionTable.allCases.map(\.rawValue)
        return SettingKind(
            accepts: "names with commas between them, out of " + names.joined(separator: ", "),
            text: RetentionTable.list
        ) { text throws(SettingComplaint) in
            var tables: Set<RetentionTable> = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let name = part.trimmingCharacters(in: .whitespaces)
                guard !name.isEmpty else {
                    throw SettingComplaint("has a comma too many; write names with one comma between two")
                }
                guard let table = RetentionTable(rawValue: name) else {
                    let advice = Spelling.nearest(to: name, among: names).map { "did you mean \($0)?" }
                    throw SettingComplaint(
                        "names no table with a policy; "
                            + (advice ?? "write names out of \(names.joined(separator: ", "))"))
                }
                tables.insert(table)
            }
            return tables
        }
    }
}

extension SettingsTable {
    static let archiveDirectory = Setting(
        "TALLYD_ARCHIVE_DIRECTORY",
        .path,
        whenAbsent: .leave,
        example: "/var/lib/tallyd/archive",
        isLive: true,
        meaning: "Where rows are archived before they go; not set, they are not archived."
    )

    static let archiveTables = Setting(
        "TALLYD_ARCHIVE_TABLES",
        .tables,
        whenAbsent: .use([RetentionTable.usageLogs]),
        example: "usage_logs,audit_logs",
        isLive: true,
        meaning: "The tables whose rows are archived there; conversations with their messages."
    )
    static let archiveCommand = Setting(
        "TALLYD_ARCHIVE_COMMAND",
        .command,
        whenAbsent: .leave,
        example: "/usr/local/bin/tallyd-archive",
        isLive: true,
        meaning:
            "The program that takes archives on, with a file's path as its last argument; rows go once it ended with 0."
    )
    static let archiveCommandTimeout = Setting(
        "TALLYD_ARCHIVE_COMMAND_TIMEOUT",
        .duration(.seconds(1)...(.seconds(86_400))),
        whenAbsent: .use(.seconds(600)),
        example: "30m",
        isLive: true,
        meaning: "How long that program may take for one file before it is ended and the file counts as not archived."
    )

    static let ofArchives: [any SettingDeclaration] = [
        archiveDirectory, archiveTables, archiveCommand, archiveCommandTimeout,
    ]
}

extension SettingsReading {
    struct Archives {
        let directory: String?
        let tables: Set<RetentionTable>
        let command: ArchiveCommand?
        let timeout: Duration
    }

    /// Nil when one of them was refused; `problems` then says so.
    mutating func archives(runLimit: Duration?) -> Archives? {
        let problemsBefore = problems.count
        let directory = value(of: SettingsTable.archiveDirectory)
        let directoryIsRefused = problems.count > problemsBefore
        let tables = value(of: SettingsTable.archiveTables)
        let command = value(of: SettingsTable.archiveCommand)
        let timeout = value(of: SettingsTable.archiveCommandTimeout)
        let commandIsSet = source(of: SettingsTable.archiveCommand) != .default
        if directory == nil, !directoryIsRefused {
            // Of what was refused already, that is enough.
            let written = [
                (SettingsTable.archiveTables.name, tables != nil), (SettingsTable.archiveCommand.name, command != nil),
            ]
            for (name, isSound) in written where isSound && isSet(name) {
                refuse(
                    "\(name) has no effect while \(SettingsTable.archiveDirectory.name) is not set; set it, or remove \(name)"
                )
            }
        }
        if let timeout, isSet(SettingsTable.archiveCommandTimeout.name) {
            let written = "\(SettingsTable.archiveCommandTimeout.name)=\(DurationText.format(timeout))"
            if !commandIsSet {
                refuse(
                    "\(written) has no effect while \(SettingsTable.archiveCommand.name) is not set; set it, or remove it"
                )
            } else if let runLimit, timeout > runLimit {
                let limit = DurationText.format(runLimit)
                refuse(
                    "\(written) is longer than \(SettingsTable.retentionRunLimit.name)=\(limit), so that the run would end first; "
                        + "write \(limit) or less, or a longer limit")
            }
        }
        guard problems.count == problemsBefore, let tables, let timeout else { return nil }
        return Archives(directory: directory, tables: tables, command: command, timeout: timeout)
    }

    private func isSet(_ name: String) -> Bool { text(named: name) != nil }
}
