import Glibc

/// The time at the start of a line.
package enum LineTimestamp {
    /// Now, in the machine's time zone as journalctl shows it: `2026-11-24 02:00:00`.
    package static let local: @Sendable () -> String = { text(unixSeconds: time(nil)) }

    /// - Parameter unixSeconds: since 1970-01-01 00:00:00 UTC.
    static func text(unixSeconds: Int) -> String {
        var seconds = time_t(unixSeconds)
        var parts = tm()
        localtime_r(&seconds, &parts)
        let date = "\(parts.tm_year + 1_900)-\(twoDigits(parts.tm_mon + 1))-\(twoDigits(parts.tm_mday))"
        return "\(date) \(twoDigits(parts.tm_hour)):\(twoDigits(parts.tm_min)):\(twoDigits(parts.tm_sec))"
    }

    private static func twoDigits(_ number: Int32) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
