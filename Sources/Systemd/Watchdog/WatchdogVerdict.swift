/// Whether the process has earned a ping.
package enum WatchdogVerdict: Sendable, Equatable {
    /// Everything that was promised has happened.
    case ping

    /// These are late, in the order of their registration.
    case withhold(lateLoops: [LateLoop])
}
