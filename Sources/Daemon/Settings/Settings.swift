package import Logging
package import Storage

/// What the daemon was told to do: checked values of the `TALLYD_*` variables and of the options that override them.
package struct Settings: Sendable {
    /// The path of the gateway's database.
    package let database: String
    /// A time zone that Foundation's `TimeZone(identifier:)` knows.
    package let timeZone: String
    package let environment: DeploymentEnvironment
    /// 1s to 1h.
    package private(set) var rollupInterval: Duration
    /// Whether a change of the database wakes the rollup early.
    package private(set) var rollupWake: Bool
    /// The shortest time between two early wakes: never above the interval while they are on.
    package private(set) var rollupSpacing: Duration
    package private(set) var rollupMissedRuns: MissedRunsWord
    /// 1s to 1h.
    package private(set) var metricsInterval: Duration
    package private(set) var retention: RetentionSettings
    package private(set) var webhooks: WebhookSettings
    /// 1ms to 50ms.
    package private(set) var lockHold: Duration
    package private(set) var writeDuty: Percentage
    package private(set) var walLimit: ByteSize
    package private(set) var secureDelete: SecureDelete
    package private(set) var logLevel: Logger.Level
    package let logFormat: LogFormat
    /// The file that the variables came from, if it was named.
    package let environmentFile: String?
    /// None in release builds.
    package let faults: Faults
    package private(set) var listing: Listing

    /// Reads and checks all settings.
    ///
    /// - Parameters:
    ///   - environment: the process's variables. Names that do not begin with `TALLYD_` are ignored; those that do
    ///     must be known.
    ///   - file: the variables of the environment file, which fill in what the process's don't say.
    ///   - fileProblems: what was wrong with that file; they come first among the problems.
    ///   - options: the values of options, by the name of the setting that each overrides.
    /// - Throws: `SettingsError` with every problem there is, not just the first.
    package init(
        environment variables: [String: String],
        file: [String: String] = [:],
        fileProblems: [String] = [],
        options: [String: String] = [:]
    ) throws(SettingsError) {
        var reading = SettingsReading(environment: variables, file: file, commandLine: options)
        for problem in fileProblems { reading.refuse(problem) }
        let database = reading.value(of: SettingsTable.database)
        let timeZone = reading.value(of: SettingsTable.timeZone)
        let environment = reading.value(of: SettingsTable.environment)
        let interval = reading.value(of: SettingsTable.rollupInterval)
        let wake = reading.value(of: SettingsTable.rollupWake)
        let spacing = reading.value(of: SettingsTable.rollupSpacing)
        let missedRuns = reading.value(of: SettingsTable.rollupMissedRuns)
        let metrics = reading.value(of: SettingsTable.metricsInterval)
        let retention = reading.retention()
        let webhooks = reading.webhooks(environment)
        let lockHold = reading.value(of: SettingsTable.lockHold)
        let writeDuty = reading.value(of: SettingsTable.writeDuty)
        let walLimit = reading.value(of: SettingsTable.walLimit)
        let secureDelete = reading.value(of: SettingsTable.secureDelete)
        let logLevel = reading.value(of: SettingsTable.logLevel)
        let logFormat = reading.value(of: SettingsTable.logFormat)
        environmentFile = reading.value(of: SettingsTable.environmentFile)
        #if DEBUG
            faults = reading.value(of: SettingsTable.fault) ?? Faults()
        #else
            faults = Faults()
        #endif
        reading.refuseUnknownNames(beside: SettingsTable.all)
        reading.refuseContradictions(interval: interval, wake: wake, spacing: spacing)
        guard reading.problems.isEmpty, let database, let timeZone, let environment, let interval, let wake,
            let spacing, let missedRuns, let metrics, let retention, let webhooks, let lockHold, let writeDuty,
            let walLimit,
            let secureDelete, let logLevel,
            let logFormat
        else { throw SettingsError(problems: reading.problems, listing: reading.listing) }
        self.database = database
        self.timeZone = timeZone
        self.environment = environment
        rollupInterval = interval
        rollupWake = wake
        rollupSpacing = spacing
        rollupMissedRuns = missedRuns
        metricsInterval = metrics
        self.retention = retention
        self.webhooks = webhooks
        self.lockHold = lockHold
        self.writeDuty = writeDuty
        self.walLimit = walLimit
        self.secureDelete = secureDelete
        self.logLevel = logLevel
        self.logFormat = logFormat
        listing = reading.listing
    }

    /// These settings with the live ones of others: what holds after a reload, until the next start.
    package func takingLive(of new: Settings) -> Settings {
        var taken = self
        taken.rollupInterval = new.rollupInterval
        taken.rollupWake = new.rollupWake
        taken.rollupSpacing = new.rollupSpacing
        taken.rollupMissedRuns = new.rollupMissedRuns
        taken.metricsInterval = new.metricsInterval
        taken.retention = new.retention
        taken.webhooks = webhooks.takingLive(of: new.webhooks)
        taken.lockHold = new.lockHold
        taken.writeDuty = new.writeDuty
        taken.walLimit = new.walLimit
        taken.secureDelete = new.secureDelete
        taken.logLevel = new.logLevel
        taken.listing = listing.taking(SettingsTable.live, of: new.listing)
        return taken
    }
}
