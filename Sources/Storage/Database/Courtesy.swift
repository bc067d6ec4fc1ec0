/// What the polite writer knows of the others that write to the file, and what follows for its own next write: a value, told of every bite.
///
/// Two things of ours reach a gateway. One is the lock: it meets it as often as we hold it, and waits as long. The other is the write-ahead
/// log: SQLite's automatic checkpoint runs within the commit that finds 1,000 pages in the log, so pages of ours make commits of the gateway's
/// do more checkpoints. That second one was the larger (measured at 500 inserts a second: p99 11 ms beside the first rollup, and 2.4 ms
/// when the gateway's connection ran no checkpoints). So beside others both are rationed: the share of time for which the lock is held, and the pages.
struct Courtesy: Sendable {
    private var pace: Pace
    private var dataVersion: Int64 = -1
    private var dataVersionReadAt: UInt64 = 0
    private var othersWroteAt: UInt64?
    /// Not before this monotonic time, in nanoseconds, when others write.
    private(set) var rest: UInt64 = 0
    /// The same for writes that somebody waits for. They rest for what they themselves took, and not for a long piece of work beside them, which rests for
    /// both: else an event waited for what the rollup had earned (measured: p99 74 ms from commit to arrival).
    private(set) var urgentRest: UInt64 = 0
    /// Pages that they may write without a rest: what a checkpoint of the gateway's costs goes by how many there were since the last one, not by
    /// how close together they came. (With a rest for each bite's pages an event waited for what the one before had taken: p50 13 ms among a thousand
    /// endpoints, whose rows lie on twice as many pages, and 4 ms among ten.) Below zero: what is still to be rested for.
    private var urgentPages: (left: Double, at: UInt64)?
    /// How far such writes may put off the others', so that these go on at half their pace at least.
    private var latestRest: UInt64 = 0
    /// What a commit takes, as a decaying mean: it is part of the hold but comes after the work.
    private var commitNanoseconds: Double = 500_000
    private var log: (pages: Int, at: UInt64)?
    /// Pages a second that the others write to the log, as a decaying mean over a second.
    private(set) var othersPagesPerSecond: Double = 0

    /// Others count as writing for this long after a commit of theirs was seen.
    private static let recently: UInt64 = 1_000_000_000
    /// A commit seen within this of our last look came just now; what came in a long pause of ours says nothing of now.
    private static let justNow: UInt64 = 50_000_000
    /// Urgent writes put off the others' for so long, or for as long again as those have to rest anyway.
    private static let leastPutOff: UInt64 = 100_000_000
    /// Saved up for urgent writes: as many pages as their ration is in this time, a quarter of a checkpoint's at the default.
    private static let mostSavedSeconds = 0.5
    /// No rest is longer: a migration writes more pages at once than any ration allows.
    private static let longestRest: UInt64 = 2_000_000_000

    init(pace: Pace) {
        self.pace = pace
    }

    /// The rest that the last bite earned stays as it was.
    mutating func change(to pace: Pace) {
        self.pace = pace
    }

    var isShared: Bool { othersWroteAt != nil }

    /// To be called as a bite begins, with PRAGMA data_version, which changes with other connections' commits only.
    mutating func look(dataVersion version: Int64, now: UInt64) {
        let since = max(dataVersionReadAt, isShared ? rest : 0)
        if dataVersion != version, now < since + Self.justNow { othersWroteAt = now }
        if let seen = othersWroteAt, now - seen > Self.recently { othersWroteAt = nil }
        dataVersion = version
        dataVersionReadAt = now
    }

    /// For how long a bite may work before it commits. With nobody about there is no tail to keep short, and fewer bites have fewer commits.
    var workNanoseconds: UInt64 {
        let target = Double(pace.hold / .nanoseconds(1)) * (isShared ? 0.3 : 0.8)
        return UInt64(max(target - commitNanoseconds, target / 4))
    }

    /// A bite as it was.
    struct Bite: Sendable, Equatable {
        /// Monotonic times in nanoseconds: the lock was had, the work was done, the commit had returned.
        let began: UInt64
        let worked: UInt64
        let ended: UInt64
        /// Pages that it wrote to the log.
        let pages: Int
        /// Pages in the log after it; nil when it wrote none.
        let logPages: Int?
    }

    mutating func note(_ bite: Bite, isUrgent: Bool = false) {
        commitNanoseconds += (Double(bite.ended - bite.worked) - commitNanoseconds) / 8
        if let pages = bite.logPages {
            if let log {
                // A log that has become shorter was begun anew meanwhile.
                let others = max(0, pages - bite.pages - (pages > log.pages ? log.pages : 0))
                let seconds = max(Double(bite.ended - log.at) / 1e9, 1e-6)
                othersPagesPerSecond += (Double(others) / seconds - othersPagesPerSecond) * min(1, seconds)
            }
            log = (pages, bite.ended)
        }
        let byTime = Double(bite.ended - bite.began) * (1 / pace.duty - 1)
        let pagesPerSecond = max(pace.pagesPerSecond, othersPagesPerSecond * pace.pageShare)
        let byPages = Double(bite.pages) / pagesPerSecond * 1e9
        let earned = min(UInt64(max(byTime, byPages)), Self.longestRest)
        if isUrgent {
            let overdrawn = drawUrgent(bite.pages, at: bite.ended, pagesPerSecond: pagesPerSecond)
            urgentRest = bite.ended + min(UInt64(max(byTime, overdrawn / pagesPerSecond * 1e9)), Self.longestRest)
            rest = max(rest, min(max(rest, bite.ended) + earned, latestRest))
        } else {
            rest = bite.ended + earned
            latestRest = rest + max(earned, Self.leastPutOff)
        }
    }

    /// - Returns: pages by which the bite went beyond what was saved up.
    private mutating func drawUrgent(_ pages: Int, at now: UInt64, pagesPerSecond: Double) -> Double {
        let most = pagesPerSecond * Self.mostSavedSeconds
        var left = most
        if let saved = urgentPages {
            left = min(most, saved.left + Double(now - min(saved.at, now)) / 1e9 * pagesPerSecond)
        }
        // No rest is longer than the longest, so neither is what it pays for.
        left = max(left - Double(pages), -pagesPerSecond * Double(Self.longestRest) / 1e9)
        urgentPages = (left, now)
        return max(0, -left)
    }
}
