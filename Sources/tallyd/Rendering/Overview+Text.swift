import Daemon
import Scheduling
import Storage

extension Overview {
    /// For people.
    var lines: [String] {
        rollupLines + webhookLines + databaseLines + runLines
    }

    private var webhookLines: [String] {
        guard webhooks.endpoints + webhooks.events + webhooks.queued + webhooks.dead > 0 else { return [] }
        let endpoints =
            Figures.count(webhooks.endpoints, "endpoint")
            + (webhooks.disabled > 0 ? " (\(Figures.count(webhooks.disabled)) disabled)" : "")
        var parts = [endpoints, "\(Figures.count(webhooks.queued)) queued"]
        if webhooks.events > 0 { parts.append("\(Figures.count(webhooks.events, "event")) to be queued") }
        if webhooks.dead > 0 { parts.append("\(Figures.count(webhooks.dead, "dead letter")): `tallyd webhooks dead`") }
        let isOff = Ownership.Deliverer(holder: holder) == .switchedOff
        return [
            Self.line(
                "webhooks", parts.joined(separator: ", ") + (isOff ? "; not delivered, TALLYD_WEBHOOKS is off" : ""))
        ]
    }

    var rollupLines: [String] {
        var lines = [
            Self.line("counted by", holder?.printable ?? "nobody now: `tallyd run` or `tallyd rollup run` does"),
            Self.line("counted", counted),
            Self.line("lag", lag),
        ]
        if rollup.pendingCorrections > 0 {
            lines.append(Self.line("corrections", "\(Figures.count(rollup.pendingCorrections)) wait to be applied"))
        }
        if !rollup.markedDays.isEmpty {
            let names = rollup.markedDays.prefix(5).map(\.description).joined(separator: ", ")
            let more = rollup.markedDays.count > 5 ? " and \(Figures.count(rollup.markedDays.count - 5)) more" : ""
            lines.append(Self.line("marked days", "\(names)\(more) wait to be counted anew"))
        }
        lines.append(Self.line("set aside", rejects))
        if !rollup.closedDays.isEmpty {
            let states = rollup.closedDays.sorted { $0.key < $1.key }.map {
                "\(Figures.count($0.value)) \($0.key.printable)"
            }
            lines.append(Self.line("closed days", states.joined(separator: ", ")))
        }
        lines.append(Self.line("time zone", zoneText))
        return lines
    }

    private var counted: String {
        guard rollup.cursor > 0 else { return "nothing yet" }
        let day = rollup.newestDay.map { ", newest day \($0)" } ?? ""
        let moment = rollup.updatedAt.map { ", changed \(Figures.age($0, now: now)) ago" } ?? ""
        return "through row \(Figures.count(rollup.cursor))\(day)\(moment)"
            + (rollup.isInBatch ? ", a batch is being applied" : "")
    }

    private var lag: String {
        guard rollup.lagRows > 0 else { return "none" }
        let age =
            rollup.oldestUncounted.map { "the oldest made \(Figures.age($0, now: now)) ago" }
            ?? "the oldest has no readable time"
        return "at most \(Figures.count(rollup.lagRows, "row")), \(age)"
    }

    private var rejects: String {
        guard !rollup.rejects.isEmpty else { return "no row" }
        let total = rollup.rejects.values.reduce(0, +)
        let reasons = rollup.rejects.sorted { $0.key < $1.key }.map { "\($0.key.printable) \(Figures.count($0.value))" }
        return "\(Figures.count(total, "row")) (\(reasons.joined(separator: ", "))): `tallyd rollup rejects`"
    }

    private var zoneText: String {
        guard let counted = rollup.zone, counted != zone.name else { return zone.name }
        return
            "days were counted in \(counted.printable), and TALLYD_TIMEZONE says \(zone.name): nothing is counted until "
            + "`tallyd rollup rebuild`, or TALLYD_TIMEZONE=\(counted.printable)"
    }

    private var databaseLines: [String] {
        let size = "\(rollup.space.sentence), write-ahead log \(Figures.bytes(rollup.walBytes))"
        let environment = schema.environment.map { ", \($0.printable)" } ?? ""
        let risk =
            Self.hasWALResetBug(sqlite)
            ? " (can damage a database when a checkpoint races a log's reset: tallyd never resets it beside the gateway; fixed in 3.51.3)"
            : ""
        return [
            Self.line("database", path.printable),
            Self.line("size", size),
            Self.line("schema", "\((schema.schemaVersion ?? "unknown").printable)\(environment)"),
            Self.line("SQLite", sqlite + risk),
        ]
    }

    private var runLines: [String] {
        guard !runs.isEmpty else { return [Self.line("last runs", "none")] }
        var table = TextTable([
            .left("last runs"), .left("started"), .left("state"), .right("took"), .right("rows"), .right("lock"),
            .left("error"),
        ])
        table.rows = runs.map { run in
            let took = run.finishedAt.map {
                DurationText.format(.milliseconds($0.milliseconds - run.startedAt.milliseconds))
            }
            return [
                run.job, run.startedAt.description, run.state.rawValue, took ?? "–", Figures.count(run.rows),
                "\(Figures.fixed(Double(run.lockMicroseconds) / 1_000, 1)) ms", run.error ?? "",
            ]
        }
        return [""] + table.lines()
    }

    private static func line(_ label: String, _ text: String) -> String {
        label + String(repeating: " ", count: max(1, 13 - label.count)) + text
    }
}

extension FileSpace {
    /// The file's size, and what of it is free: `9.9 MiB, of which 1.2 MiB (12.1%) free for reuse`.
    var sentence: String {
        let free = "\(Figures.bytes(freeBytes)) (\(Figures.percent(freePages, of: pages))) free for reuse"
        return Figures.bytes(bytes) + (freePages > 0 ? ", of which \(free)" : "")
    }
}
