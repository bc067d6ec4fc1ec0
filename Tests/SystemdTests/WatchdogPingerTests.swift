import Foundation
import Logging
import Synchronization
import Testing

@testable import Systemd

struct WatchdogPingerTests {
    private let clock = ManualClock()
    private let notifier = RecordingNotifier()
    private let log = RecordedLog()

    private func pinger(
        _ heartbeats: Heartbeats, launch: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() }
    ) -> WatchdogPinger {
        WatchdogPinger(
            watchdog: Watchdog(window: .seconds(30)), heartbeats: heartbeats, notifier: notifier, logger: log.logger,
            monotonic: clock.reading, launch: launch)
    }

    @Test func `pings stop when a loop is late and go on when it beats`() {
        let heartbeats = Heartbeats(monotonic: clock.reading)
        let rollup = heartbeats.register("rollup", allowedAge: .seconds(15))
        let pinger = pinger(heartbeats)
        pinger.begin()
        clock.advance(by: .seconds(10))
        pinger.tick()
        #expect(notifier.states == [.watchdog])
        clock.advance(by: .seconds(10))
        pinger.tick()
        #expect(notifier.states == [.watchdog])
        #expect(log.events.map(\.metadata?["loop"]) == ["rollup"])
        #expect(log.events.first?.metadata?["age_ms"] == "20000")
        rollup.beat()
        pinger.tick()
        #expect(notifier.states == [.watchdog, .watchdog])
        #expect(log.events.last?.level == .notice)
    }

    @Test func `a late loop is named once a period`() {
        let heartbeats = Heartbeats(monotonic: clock.reading)
        let stuck = heartbeats.register("retention", allowedAge: .seconds(1))
        let pinger = pinger(heartbeats)
        for _ in 1...3 {
            clock.advance(by: .seconds(10))
            pinger.tick()
        }
        #expect(log.events.count == 3)
        #expect(notifier.states.isEmpty)
        stuck.retire()
    }

    @Test func `a loop that ended in good order is not waited for`() {
        let heartbeats = Heartbeats(monotonic: clock.reading)
        heartbeats.register("migration", allowedAge: .seconds(1)).retire()
        clock.advance(by: .seconds(100))
        #expect(pinger(heartbeats).verdict(now: clock.now) == .ping)
        #expect(heartbeats.snapshot().isEmpty)
    }

    @Test func `every ping costs the pool an answer and a stuck pool is asked once`() {
        let asked = Mutex<[@Sendable () -> Void]>([])
        let pinger = pinger(Heartbeats(monotonic: clock.reading)) { work in asked.withLock { $0.append(work) } }
        let answer = { asked.withLock { $0.popLast() }?() }
        pinger.begin()
        pinger.tick()
        pinger.tick()
        #expect(notifier.states.isEmpty)
        #expect(asked.withLock { $0.count } == 1)
        answer()
        pinger.tick()
        #expect(notifier.states == [.watchdog])
        pinger.tick()
        #expect(notifier.states == [.watchdog])
        answer()
        pinger.tick()
        #expect(notifier.states == [.watchdog, .watchdog])
        #expect(log.events.first?.metadata?["loop"] == "cooperative pool")
    }

    @Test(.timeLimit(.minutes(10))) func `the thread pings through the real pool and stops at once`() async throws {
        let pinger = WatchdogPinger(
            watchdog: Watchdog(window: .milliseconds(60)), heartbeats: Heartbeats(monotonic: clock.reading),
            notifier: notifier, logger: log.logger, monotonic: clock.reading)
        try pinger.start()
        #expect(await notifier.next() == .watchdog)
        #expect(await notifier.next() == .watchdog)
        pinger.stop()
        pinger.stop()
        let told = notifier.states.count
        #expect(told >= 2)
    }

    @Test(.timeLimit(.minutes(10))) func `stopping does not wait for the next ping`() async throws {
        let pinger = WatchdogPinger(
            watchdog: Watchdog(window: .seconds(7_200)), heartbeats: Heartbeats(monotonic: clock.reading),
            notifier: notifier, logger: log.logger, monotonic: clock.reading)
        try pinger.start()
        // For the thread to come to its wait, which is to last forty minutes.
        try await Task.sleep(for: .milliseconds(100))
        let (ended, end) = AsyncStream<Void>.makeStream()
        Thread.detachNewThread {
            pinger.stop()
            end.finish()
        }
        let isStopped = await withTaskGroup { group in
            group.addTask {
                for await _ in ended {}
                return !Task.isCancelled
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(60))
                return false
            }
            defer { group.cancelAll() }
            return await group.next()
        }
        #expect(isStopped == true)
        #expect(notifier.states.isEmpty)
    }

    @Test func `a pinger that was never started stops`() {
        pinger(Heartbeats(monotonic: clock.reading)).stop()
    }
}
