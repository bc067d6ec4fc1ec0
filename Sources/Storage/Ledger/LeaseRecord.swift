import Foundation

/// What the lock file beside a database says of whoever serves it: three lines that keep their length, so that renewing is one write in place.
///
///     tallyd run, process 4711
///     lease 3f0c8a51e2d94b7c-4711-9a8b7c6d5e4f3a2b locked
///     renewed 00000000000000000042
///
/// The renewals stand here and not in the database, because an idle tallyd writes nothing there. Their number is only ever compared with itself,
/// by a watcher's own clock: no two processes' clocks have to agree.
struct LeaseRecord: Sendable, Equatable {
    /// For people.
    let description: String
    /// Machine boot, process and a random number: never that of another process, also after a restart with the same process id.
    let identity: String
    /// Whether it has the operating system's lock. Not when it took over from one that was stopped, until that one is gone.
    var isLocked: Bool
    /// Raised with each renewal.
    var renewal: UInt64 = 0

    init(description: String, isLocked: Bool) {
        let random = String(UInt64.random(in: 0 ... .max), radix: 16)
        self.init(
            description: description, identity: "\(Self.boot)-\(getpid())-\(random)", isLocked: isLocked, renewal: 0)
    }

    /// The half of the machine's boot id: enough to tell boots apart.
    private static let boot: String = {
        let text = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? ""
        let digits = String(text.filter(\.isHexDigit).prefix(16))
        return digits.isEmpty ? "unknown" : digits
    }()

    init(description: String, identity: String, isLocked: Bool, renewal: UInt64) {
        // A line break would end the record's first line early.
        self.description = description.replacing("\n", with: " ")
        self.identity = identity
        self.isLocked = isLocked
        self.renewal = renewal
    }

    /// Nil for anything else, such as the one line that versions before 0.2 wrote: nobody can tell whether such a holder lives.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4 else { return nil }
        let words = lines[1].split(separator: " ")
        let renewed = lines[2].split(separator: " ")
        guard words.count == 3, words[0] == "lease", renewed.count == 2, renewed[0] == "renewed",
            let number = UInt64(renewed[1])
        else { return nil }
        self.init(
            description: String(lines[0]), identity: String(words[1]), isLocked: words[2] == "locked", renewal: number)
    }

    var text: String {
        let digits = String(renewal)
        let padded = String(repeating: "0", count: 20 - digits.count) + digits
        return "\(description)\nlease \(identity) \(isLocked ? "locked" : "fenced")\nrenewed \(padded)\n"
    }

    /// Whether its process exists on this machine. One of another boot doesn't; one of another user does.
    var isProcessAlive: Bool {
        let parts = identity.split(separator: "-")
        guard parts.count == 3, parts[0] == Self.boot, let process = pid_t(parts[1]) else { return false }
        return kill(process, 0) == 0 || errno == EPERM
    }
}

/// Watches a lease from outside, by the watcher's own monotonic clock.
package struct LeaseObserver: Sendable {
    /// How often a holder renews.
    package static let renewalInterval = Duration.seconds(3)
    /// A lease that was not renewed for so long is up: four renewals missed. With the look every fifth of a second, a standby takes over from a
    /// stopped process well within 15 s.
    package static let validity = Duration.seconds(12)

    private var seen: (identity: String, renewal: UInt64, since: Duration)?
    private var looked: Duration?
    /// Between two looks. A watcher that looked at nothing for longer was stopped itself, perhaps together with the holder (a container that is paused,
    /// a unit that is frozen), and knows nothing of that time.
    private static let longestGap = Duration.seconds(2)

    package init() {}

    /// True when the lease in the file was looked at for its whole validity and has not changed.
    ///
    /// - Parameter monotonic: a clock that stands still while the machine sleeps, else every lease would look old on waking.
    package mutating func isExpired(database: String, monotonic: Duration) -> Bool {
        isExpired(OwnerLock.record(database: database), monotonic: monotonic)
    }

    mutating func isExpired(_ record: LeaseRecord?, monotonic: Duration) -> Bool {
        let gap = looked.map { monotonic - $0 } ?? .zero
        looked = monotonic
        guard let record else {
            seen = nil
            return false
        }
        var since = monotonic
        if let seen, seen.identity == record.identity, seen.renewal == record.renewal {
            since = seen.since + (gap > Self.longestGap ? gap : .zero)
        }
        seen = (record.identity, record.renewal, since)
        return monotonic - since >= Self.validity
    }
}
