package import Scheduling
package import Storage

/// What the settings say of retention: when a run is due, how long it may take, and what goes when. All of it can be changed by a reload.
package struct RetentionSettings: Sendable, Hashable {
    package var schedule: ScheduleText
    /// 1m to 1d.
    package var runLimit: Duration
    /// 1h to 90d: never longer than usage_logs are kept.
    package var settle: Duration
    package var share: Percentage
    package var periods: [RetentionTable: RetentionPeriod]
    /// Nil: nothing is archived.
    package var archiveDirectory: String?
    /// Whose rows are.
    package var archiveTables: Set<RetentionTable>
    /// What takes archives on; nil: they stay in that folder.
    package var archiveCommand: ArchiveCommand?
    /// 1s to 1d, and not above the run's own limit where it was set.
    package var archiveCommandTimeout: Duration

    package var policies: RetentionPolicies {
        RetentionPolicies(
            periods: periods, settle: settle, largestShare: share.share, archiveFolder: archiveDirectory,
            archiveTables: archiveTables)
    }
}

extension RetentionSettings: CustomStringConvertible {
    /// The tables in their order: a dictionary's own is another one each time.
    package var description: String {
        let kept = RetentionTable.allCases.map { "\($0.rawValue) \(policies.period(of: $0))" }
        return "\(schedule), \(runLimit), \(settle), \(share), \(archiveDirectory ?? "no archive"), "
            + "\(RetentionTable.list(archiveTables)), \(archiveCommand?.description ?? "no command"), "
            + "\(archiveCommandTimeout), " + kept.joined(separator: ", ")
    }
}

/// A schedule as it was written: which zone's days a calendar expression means is another setting's word.
package struct ScheduleText: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ text: String) throws(SettingComplaint) {
        do throws(Schedule.Problem) {
            _ = try Schedule(parsing: text, zone: .utc)
        } catch {
            // Of a calendar expression's, the sentence without the picture below it.
            throw SettingComplaint("is no schedule: " + "\(error)".prefix { $0 != "\n" })
        }
        description = text
    }

    private init(checked: String) {
        description = checked
    }

    /// In the small hours, when gateways have least to do, and not on the hour, when everybody's nightly jobs begin.
    static let retention = ScheduleText(checked: "*-*-* 03:17:00")

    package func schedule(in zone: Zone) -> Schedule {
        // Checked when it was read; a zone changes nothing about what is a schedule.
        (try? Schedule(parsing: description, zone: zone)) ?? .every(.seconds(86_400))
    }
}

extension SettingKind where Value == ScheduleText {
    static var schedule: Self {
        SettingKind(
            accepts: "an interval such as 6h, or a calendar expression such as Mon..Fri *-*-* 02:30",
            text: \.description
        ) { text throws(SettingComplaint) in try ScheduleText(text) }
    }
}

extension SettingKind where Value == RetentionPeriod {
    /// A duration, `forever` (nothing is removed) or `off` (nothing is looked at).
    static func retention(_ range: ClosedRange<Duration>) -> Self {
        let limits = "\(DurationText.format(range.lowerBound)) to \(RetentionPeriod.limited(range.upperBound))"
        return SettingKind(accepts: "a duration from \(limits), forever or off", text: \.description) {
            text throws(SettingComplaint) in
            let period: RetentionPeriod
            do throws(DurationText.Problem) {
                period = try RetentionPeriod(parsing: text)
            } catch {
                throw SettingComplaint(error.sentence(allowing: range) + ", or forever, or off")
            }
            if case .limited(let duration) = period, !range.contains(duration) {
                throw SettingComplaint("is out of range; write \(limits), forever or off")
            }
            return period
        }
    }
}

extension SettingsTable {
    static let retentionSchedule = Setting(
        "TALLYD_RETENTION_SCHEDULE",
        .schedule,
        whenAbsent: .use(ScheduleText.retention),
        example: "6h",
        isLive: true,
        meaning: "When days are sealed and old rows are removed."
    )
    static let retentionRunLimit = Setting(
        "TALLYD_RETENTION_RUN_LIMIT",
        .duration(.seconds(60)...(.seconds(86_400))),
        whenAbsent: .use(.seconds(3_600)),
        example: "15m",
        isLive: true,
        meaning: "How long one retention run may take; the next one goes on where it ended."
    )
    static let retentionSettle = Setting(
        "TALLYD_RETENTION_SETTLE",
        .duration(.seconds(3_600)...(.seconds(90 * 86_400))),
        whenAbsent: .use(.seconds(2 * 86_400)),
        example: "3d",
        isLive: true,
        meaning: "How long after its end a day is sealed: late rows up to then are counted while it is open."
    )
    static let retentionShare = Setting(
        "TALLYD_RETENTION_SHARE",
        .percentage,
        whenAbsent: .use(.fifth),
        example: "50%",
        isLive: true,
        meaning: "The share of a table above which a run removes nothing until `tallyd retention approve`."
    )

    /// The setting that says how long a table's rows are kept.
    static func retention(of table: RetentionTable) -> Setting<RetentionPeriod> {
        let from =
            switch table {
            case .usageLogs: "How long raw usage rows are kept; daily totals stay for ever."
            case .auditLogs: "How long audit_logs are kept."
            case .systemMetrics: "How long system_metrics are kept."
            case .userSessions: "How long after its expiry, or its last activity once inactive, a session is kept."
            case .rateLimits: "How long after its window_end a row of rate_limits is kept."
            case .conversations: "How long after its last activity a conversation is kept, with its messages."
            case .jobRuns: "How long runs of jobs are kept; each job's newest stays."
            case .rejects: "How long usage rows that can't be counted are kept after they were set aside."
            case .webhookAttempts: "How long attempts to deliver a webhook are kept."
            case .webhookDeliveries: "How long after it was delivered or given up a webhook delivery is kept."
            case .webhookEvents: "How long webhook events are kept, and never less than their deliveries."
            }
        return Setting(
            "TALLYD_RETENTION_\(table.rawValue.uppercased())",
            // An hour, so that no slip of a unit empties a table; a century, as longer ones are forever.
            .retention(.seconds(3_600)...(.seconds(36_500 * 86_400))),
            whenAbsent: .use(RetentionPolicies.defaults[table] ?? .forever),
            example: RetentionPolicies.defaults[table] == .forever ? "365d" : "forever",
            isLive: true,
            meaning: from
        )
    }

    static let ofRetention: [any SettingDeclaration] =
        [retentionSchedule, retentionRunLimit, retentionSettle, retentionShare] + ofArchives
        + RetentionTable.allCases.map { retention(of: $0) }
}

extension SettingsReading {
    /// Nil when one of them was refused; `problems` then says so.
    mutating func retention() -> RetentionSettings? {
        let schedule = value(of: SettingsTable.retentionSchedule)
        let limit = value(of: SettingsTable.retentionRunLimit)
        let settle = value(of: SettingsTable.retentionSettle)
        let share = value(of: SettingsTable.retentionShare)
        let archives = archives(runLimit: limit)
        var periods: [RetentionTable: RetentionPeriod] = [:]
        for table in RetentionTable.allCases {
            if let period = value(of: SettingsTable.retention(of: table)) { periods[table] = period }
        }
        if case .limited(let kept) = periods[.usageLogs], let settle, kept < settle {
            refuse(
                "\(SettingsTable.retention(of: .usageLogs).name)=\(RetentionPeriod.limited(kept)) is shorter than "
                    + "\(SettingsTable.retentionSettle.name)=\(DurationText.format(settle)), so rows would go before their day is "
                    + "sealed; write \(RetentionPeriod.limited(settle)) or more, or a shorter settle time")
        }
        guard let schedule, let limit, let settle, let share, let archives,
            periods.count == RetentionTable.allCases.count
        else { return nil }
        return RetentionSettings(
            schedule: schedule, runLimit: limit, settle: settle, share: share, periods: periods,
            archiveDirectory: archives.directory, archiveTables: archives.tables, archiveCommand: archives.command,
            archiveCommandTimeout: archives.timeout)
    }
}
