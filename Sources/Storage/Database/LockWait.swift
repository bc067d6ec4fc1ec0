/// Who hears that a write still waits for the lock that another program holds: every few milliseconds for as long as it waits.
///
/// A loop whose writes wait so is not hung. A restart would not get the lock either, and twelve of them in ten minutes fail the unit for good: a
/// VACUUM of somebody else's takes longer than that.
package enum LockWait {
    /// Set for a task and those that it starts.
    @TaskLocal package static var heard: (@Sendable () -> Void)?
}
