extension PoliteWriter {
    /// What is to be done about a log that is to stay small: a value, told its length after every commit.
    struct SmallLog: Sendable, Equatable {
        enum Step: Sendable, Equatable {
            case nothing
            /// To be copied back now.
            case full
            /// The commit before began it anew.
            case begunAnew
        }

        /// The length at which it was found full, nil below the limit; at which it was last copied back since; and whether no reading was in the way then.
        private var fullAt: Int64?
        private var copiedAt = limit
        private var wasAlone = false
        /// What comes now would take it beyond 16 MiB.
        private(set) var isOverfull = false

        private static let limit: Int64 = 9 * 1_024 * 1_024
        /// With the bite that passes it the log is to stay below 16 MiB, so that a volume that was nearly full is not filled by a purge. Snapshots that
        /// nobody here knows of may take it beyond. A bite writes up to 4.1 MiB since its commit takes half the time: with 12 MiB here, 16.1 were seen.
        private static let overfull: Int64 = 11 * 1_024 * 1_024
        /// A checkpoint beside a snapshot brings two files to the disk for a few pages; after every bite it took a sixth of a purge's time. It is tried
        /// each time that so much has come, for snapshots that nobody here knows of.
        private static let growth: Int64 = 3 * 1_024 * 1_024

        /// - Parameter holdReads: has long readings wait; true when none is under way.
        mutating func look(_ bytes: Int64, holdReads: () -> Bool) -> Step {
            isOverfull = bytes > Self.overfull
            if let full = fullAt, bytes < full {
                fullAt = nil
                if bytes <= Self.limit { return .begunAnew }
            }
            guard bytes > Self.limit else { return .nothing }
            if fullAt == nil { (fullAt, copiedAt, wasAlone) = (bytes, Self.limit, false) }
            let isAlone = holdReads()
            guard isAlone && !wasAlone || bytes >= copiedAt + Self.growth else { return .nothing }
            (copiedAt, wasAlone) = (bytes, isAlone)
            return .full
        }
    }
}
