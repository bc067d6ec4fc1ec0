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
    package let rollupInterval: Duration
    /// Whether a change of the database wakes the rollup early.
    package let rollupWake: Bool
    /// The shortest time between two early wakes: never above the interval while they are on.
    package let rollupSpacing: Duration
    /// 1ms to 50ms.
    package let lockHold: Duration
    package let writeDuty: Percentage
    package let walLimit: ByteSize
    package let logLevel: Logger.Level
    package let logFormat: LogFormat
    /// The file that the variables came from, if it was named.
    package let environmentFile: String?
    package let listing: Listing

    /// Reads and checks all settings.
    ///
    /// - Parameters:
    ///   - environment: the process's variables. Names that do not begin with `TALLYD_` are ignored; those that do
    ///     must be known.
    ///   - database: the value of `--database`.
    ///   - deployment: the value of `--environment`.
    /// - Throws: `SettingsError` with every problem there is, not just the first.
    package init(
        environment variables: [String: String],
        database option: String? = nil,
        deployment: String? = nil
    ) throws(SettingsError) {
        let options = [SettingsTable.database.name: option, SettingsTable.environment.name: deployment]
        var reading = SettingsReading(environment: variables, commandLine: options.compactMapValues(\.self))
        let database = reading.value(of: SettingsTable.database)
        let timeZone = reading.value(of: SettingsTable.timeZone)
        let environment = reading.value(of: SettingsTable.environment)
        let interval = reading.value(of: SettingsTable.rollupInterval)
        let wake = reading.value(of: SettingsTable.rollupWake)
        let spacing = reading.value(of: SettingsTable.rollupSpacing)
        let lockHold = reading.value(of: SettingsTable.lockHold)
        let writeDuty = reading.value(of: SettingsTable.writeDuty)
        let walLimit = reading.value(of: SettingsTable.walLimit)
        let logLevel = reading.value(of: SettingsTable.logLevel)
        let logFormat = reading.value(of: SettingsTable.logFormat)
        environmentFile = reading.value(of: SettingsTable.environmentFile)
        reading.refuseUnknownNames(beside: SettingsTable.all)
        reading.refuseContradictions(interval: interval, wake: wake, spacing: spacing)
        guard reading.problems.isEmpty, let database, let timeZone, let environment, let interval, let wake,
            let spacing, let lockHold, let writeDuty, let walLimit, let logLevel, let logFormat
        else { throw SettingsError(problems: reading.problems, listing: reading.listing) }
        self.database = database
        self.timeZone = timeZone
        self.environment = environment
        rollupInterval = interval
        rollupWake = wake
        rollupSpacing = spacing
        self.lockHold = lockHold
        self.writeDuty = writeDuty
        self.walLimit = walLimit
        self.logLevel = logLevel
        self.logFormat = logFormat
        listing = reading.listing
    }
}
