package import Logging
package import Scheduling
package import Storage

/// One kind of work of the daemon's: when it is due, and what is done then. A lane runs it; it knows of no lane.
package struct Job: Sendable {
    /// As it stands in the ledger, in the log and on the command line.
    package let name: String
    /// Asked at every look, so that a change of the settings holds from then on.
    package let schedule: @Sendable () -> Schedule
    /// Asked at every look, too.
    package let policy: @Sendable () -> Policy
    /// Looks between the slots too, when the database changes; nil for a job that keeps to its schedule.
    package let early: EarlyWakes?
    /// Whether a job that never ran has its latest slot at once. A job that removes things waits for its first slot to come.
    package let startsAtOnce: Bool
    package let body: Body

    package init(
        name: String, schedule: @escaping @Sendable () -> Schedule,
        policy: @escaping @Sendable () -> Policy = { Policy() }, early: EarlyWakes? = nil, startsAtOnce: Bool = true,
        body: Body
    ) {
        self.name = name
        self.schedule = schedule
        self.policy = policy
        self.early = early
        self.startsAtOnce = startsAtOnce
        self.body = body
    }

    package enum Body: Sendable {
        /// Looks first whether there is anything to do: a look that finds nothing leaves no line in the ledger, so that an idle daemon writes nothing.
        /// What is found is done in bites, as a run that is claimed before and recorded afterwards.
        case steps(
            hasWork: @Sendable () async throws -> Bool, perform: @Sendable (JobContext) async throws -> JobOutcome)
        /// Reads whatever it needs, and writes it in one transaction with the run's line.
        case measurement(@Sendable (JobContext) async throws -> SlotWrite)
    }

    package struct EarlyWakes: Sendable {
        /// The shortest time between two; nil: none at present.
        package let spacing: @Sendable () -> Duration?

        package init(spacing: @escaping @Sendable () -> Duration?) {
            self.spacing = spacing
        }
    }
}

/// What a run is told.
package struct JobContext: Sendable {
    package let slot: Slot
    /// The wall clock as the run began.
    package let now: Instant
    /// True when the run should end at the next good place: the daemon stops, or the run's deadline has passed.
    package let isStopping: @Sendable () -> Bool
    /// To be called whenever something was got done: it is what the watchdog goes by.
    package let beat: @Sendable () -> Void
}

/// What a run has to tell.
package struct JobOutcome: Sendable {
    package var rows: Int64
    /// False when it was asked to stop before everything was done.
    package var isComplete: Bool
    /// The log line's words, kind of event and further fields.
    package var message: String
    package var messageID: String
    package var facts: Logger.Metadata
    /// Further lines of importance, each with its fields.
    package var warnings: [Warning]

    package struct Warning: Sendable {
        package let message: String
        package let facts: Logger.Metadata
    }

    package init(
        rows: Int64, isComplete: Bool = true, message: String, messageID: String, facts: Logger.Metadata = [:],
        warnings: [Warning] = []
    ) {
        self.rows = rows
        self.isComplete = isComplete
        self.message = message
        self.messageID = messageID
        self.facts = facts
        self.warnings = warnings
    }
}
