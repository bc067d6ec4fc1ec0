import Scheduling

extension SettingsReading {
    /// Values that are sound one by one and make no sense together. A value that was refused already is nil, and is not
    /// judged again.
    mutating func refuseContradictions(interval: Duration?, wake: Bool?, spacing: Duration?) {
        guard let spacing, source(of: SettingsTable.rollupSpacing) != .default else { return }
        let written = "\(SettingsTable.rollupSpacing.name)=\(DurationText.format(spacing))"
        if wake == false {
            let name = SettingsTable.rollupWake.name
            refuse("\(written) has no effect while \(name)=off; remove it, or write \(name)=on")
        } else if let interval, spacing > interval {
            let limit = DurationText.format(interval)
            refuse(
                "\(written) is longer than \(SettingsTable.rollupInterval.name)=\(limit), "
                    + "so that no wake would ever be early; write \(limit) or less"
            )
        }
    }
}
