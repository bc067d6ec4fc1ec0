/// The manager's deadline for signs of life: `WatchdogSec=` of the unit, as sd_watchdog_enabled(3) hands it over.
package struct Watchdog: Sendable, Equatable {
    /// The manager ends the service when it hears nothing for this long. Above zero.
    package let window: Duration

    package init(window: Duration) {
        self.window = window
    }

    /// - Parameters:
    ///   - environment: `WATCHDOG_USEC`, in µs, and `WATCHDOG_PID`, the process that is watched.
    ///   - processID: our own; a `WATCHDOG_PID` of another process means that the variables were inherited.
    /// - Returns: nil when no watchdog waits for this process, or when the variables cannot be read.
    package init?(environment: [String: String], processID: Int32) {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = UInt64(text),
            // systemd writes "never" as the largest number.
            microseconds > 0, microseconds < UInt64(Int64.max / 1_000)
        else { return nil }
        if let watched = environment["WATCHDOG_PID"], Int32(watched) != processID { return nil }
        window = .microseconds(Int64(microseconds))
    }

    /// Time between two pings: a third, so that one lost ping does no harm.
    package var pingInterval: Duration { window / 3 }

    /// The longest that a loop may sleep between two cycles: a sixth, else idle looks like a hang.
    package var longestSleep: Duration { window / 6 }
}
