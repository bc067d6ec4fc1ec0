/// What the control socket's requests do. The server itself knows nothing of settings and jobs.
package struct ControlHandlers: Sendable {
    package var reload: @Sendable () async -> ControlReply
    /// Given a job's name, and whether only to say what a run would do. Cancelled when the daemon stops.
    package var run: @Sendable (_ job: String, _ dryRun: Bool) async -> ControlReply
    /// The settings of jobs have changed in the database.
    package var wake: @Sendable () async -> ControlReply

    /// Without the last two there are no jobs.
    package init(
        reload: @escaping @Sendable () async -> ControlReply,
        run: @escaping @Sendable (_ job: String, _ dryRun: Bool) async -> ControlReply = { job, _ in
            ControlReply(status: 66, lines: ["this daemon has no job \"\(job)\"; `tallyd jobs` lists those there are"])
        },
        wake: @escaping @Sendable () async -> ControlReply = { ControlReply(lines: []) }
    ) {
        self.reload = reload
        self.run = run
        self.wake = wake
    }
}
