import Logging
import Scheduling
import Storage

/// Every setting that there is, each declared once. Add one here, and read it in `Settings`; a test holds the two
/// together.
package enum SettingsTable {
    static let database = Setting(
        "TALLYD_DATABASE",
        .path,
        whenAbsent: .refuse,
        example: "/var/lib/gateway/usage.db",
        flag: "--database",
        meaning: "The gateway's SQLite database, which tallyd works on."
    )
    static let timeZone = Setting(
        "TALLYD_TIMEZONE",
        .timeZone,
        whenAbsent: .use("UTC"),
        example: "Europe/Berlin",
        meaning: "The time zone whose calendar days the daily totals are cut at. A change asks for a rebuild."
    )
    static let environment = Setting(
        "TALLYD_ENVIRONMENT",
        .word,
        whenAbsent: .use(DeploymentEnvironment.production),
        example: "staging",
        flag: "--environment",
        meaning: "What the database is for: decides which of the seed migrations may run."
    )
    static let rollupInterval = Setting(
        "TALLYD_ROLLUP_INTERVAL",
        .duration(.seconds(1)...(.seconds(3600))),
        whenAbsent: .use(.seconds(15)),
        example: "30s",
        isLive: true,
        meaning: "How often the rollup looks for new usage, at the latest."
    )
    static let rollupWake = Setting(
        "TALLYD_ROLLUP_WAKE",
        .switched,
        whenAbsent: .use(true),
        example: "off",
        isLive: true,
        meaning: "Whether a change of the database wakes the rollup before its interval is over."
    )
    static let rollupSpacing = Setting(
        "TALLYD_ROLLUP_SPACING",
        .duration(.milliseconds(100)...(.seconds(3600))),
        whenAbsent: .use(.seconds(1)),
        example: "5s",
        isLive: true,
        meaning: "The shortest time between two early wakes of the rollup."
    )
    static let rollupMissedRuns = Setting(
        "TALLYD_ROLLUP_MISSED_RUNS",
        .word,
        whenAbsent: .use(MissedRunsWord.latest),
        example: "all",
        isLive: true,
        meaning:
            "What is done about slots of the rollup that passed while nobody ran: one run for all, none for several, or all."
    )
    static let metricsInterval = Setting(
        "TALLYD_METRICS_INTERVAL",
        .duration(.seconds(1)...(.seconds(3600))),
        whenAbsent: .use(.seconds(60)),
        example: "30s",
        isLive: true,
        meaning: "How often the host, the database, the gateway and tallyd are measured into system_metrics."
    )
    static let lockHold = Setting(
        "TALLYD_LOCK_HOLD",
        .duration(.milliseconds(1)...(.milliseconds(50))),
        whenAbsent: .use(.milliseconds(5)),
        example: "2ms",
        isLive: true,
        meaning: "The longest that one write of ours aims to hold the database's write lock."
    )
    static let writeDuty = Setting(
        "TALLYD_WRITE_DUTY",
        .percentage,
        whenAbsent: .use(.tenth),
        example: "25%",
        isLive: true,
        meaning: "The share of time that we may hold the write lock while others write."
    )
    static let walLimit = Setting(
        "TALLYD_WAL_LIMIT",
        .size(.mebibytes(1)...(.gibibytes(64))),
        whenAbsent: .use(.mebibytes(64)),
        example: "256MiB",
        isLive: true,
        meaning: "The size of the write-ahead log that is fine; at eight times it tallyd asks for a passive checkpoint."
    )
    static let secureDelete = Setting(
        "TALLYD_SECURE_DELETE",
        .word,
        whenAbsent: .use(SecureDelete.fast),
        example: "on",
        isLive: true,
        meaning:
            "Whether what tallyd deletes is overwritten in the file: within pages that stay in use, always, or not at all."
    )
    static let logLevel = Setting(
        "TALLYD_LOG_LEVEL",
        .word,
        whenAbsent: .use(Logger.Level.info),
        example: "debug",
        isLive: true,
        meaning: "The least important log lines that are written."
    )
    static let logFormat = Setting(
        "TALLYD_LOG_FORMAT",
        .word,
        whenAbsent: .use(LogFormat.auto),
        example: "lines",
        meaning: "Where log lines go: to the journal with fields, as lines to standard error, or whichever fits."
    )
    static let environmentFile = Setting(
        "TALLYD_ENVIRONMENT_FILE",
        .path,
        whenAbsent: .leave,
        example: "/etc/tallyd/tallyd.env",
        flag: "--environment-file",
        meaning:
            "The file that these variables stand in: fills in what the environment lacks, and is read again on reload."
    )

    #if DEBUG
        static let fault = Setting(
            "TALLYD_FAULT",
            .faults,
            whenAbsent: .use(Faults()),
            example: "hang:rollup",
            meaning: "Faults to put in, so that tests see how the service manager takes them; in debug builds only."
        )
        private static let ofDebugBuilds: [any SettingDeclaration] = [fault]
    #else
        private static let ofDebugBuilds: [any SettingDeclaration] = []
    #endif

    /// All of them, in the order of the listing.
    package static let all: [any SettingDeclaration] =
        [
            database, timeZone, environment, rollupInterval, rollupWake, rollupSpacing, rollupMissedRuns,
            metricsInterval,
        ] + ofRetention + ofWebhooks + [
            lockHold, writeDuty, walLimit, secureDelete, logLevel, logFormat, environmentFile,
        ]
        + ofDebugBuilds

    /// The names of those that a reload applies at once.
    package static var live: Set<String> { Set(all.filter(\.isLive).map(\.name)) }
}
