/// What the watchdog knows at one moment; a value, so that the decision can be tried without a thread or a clock.
package struct Liveness: Sendable, Equatable {
    /// A loop's promise and when it last kept it.
    package struct Loop: Sendable, Equatable {
        package let name: String
        package let lastBeat: Duration
        package let allowedAge: Duration

        package init(name: String, lastBeat: Duration, allowedAge: Duration) {
            self.name = name
            self.lastBeat = lastBeat
            self.allowedAge = allowedAge
        }
    }

    /// The name under which a stuck cooperative pool is reported.
    package static let poolName = "cooperative pool"

    package let loops: [Loop]

    /// Since when a no-op waits for a thread of the cooperative pool; nil when it ran.
    package let poolWaitingSince: Duration?

    /// How long the pool has for a no-op: the time between two pings.
    package let poolAllowed: Duration

    package init(loops: [Loop], poolWaitingSince: Duration?, poolAllowed: Duration) {
        self.loops = loops
        self.poolWaitingSince = poolWaitingSince
        self.poolAllowed = poolAllowed
    }

    /// A ping is earned when every loop's beat is at most as old as allowed and the pool ran the no-op it was given
    /// after the last ping.
    package func verdict(now: Duration) -> WatchdogVerdict {
        var late = loops.compactMap { loop -> LateLoop? in
            let age = now - loop.lastBeat
            return age > loop.allowedAge ? LateLoop(name: loop.name, age: age, allowed: loop.allowedAge) : nil
        }
        if let since = poolWaitingSince {
            late.append(LateLoop(name: Self.poolName, age: now - since, allowed: poolAllowed))
        }
        return late.isEmpty ? .ping : .withhold(lateLoops: late)
    }
}
