import Foundation
import Logging
import Scheduling
import Synchronization
import TestSupport

@testable import Daemon
@testable import Storage

/// One lane's life on a clock of its own: outcomes, pauses, jumps of the clock, crashes and restarts, all drawn from one seed.
///
/// The clock moves in three places: within a job's work, between two lanes, and at a beat that follows a look which found nothing. All three are the
/// lane's own doing, so nothing here depends on the machine's time, and a seed gives the same history again.
final class LaneHistory: Sendable {
    private static let job = "test"
    private static let deadline = Duration.seconds(30)

    private let store: Store
    private let schedule: Schedule
    private let policy: Policy
    private let start: Instant
    /// Milliseconds from one slot to the next, near the start.
    private let rhythm: Int64
    private let state: Mutex<State>

    private struct State {
        var oracle: LaneOracle
        var random: SplitMix64
        var times: LaneOracle.Times
        var stepsLeft: Int
        var look = Look()
        var isPaused = false
        var isResuming = false
        var lane: Lane?
    }

    /// The look that the lane is at.
    private struct Look {
        var began: LaneOracle.Times?
        var isPaused = false
        var ended: LaneOracle.Times?
    }

    init(seed: UInt64, schedule: Schedule, policy: Policy, start: Instant, steps: Int, store: Store) {
        self.store = store
        self.schedule = schedule
        var policy = policy
        policy.deadline = Self.deadline
        self.policy = policy
        self.start = start
        let slot = schedule.next(after: start)?.instant ?? start
        rhythm = max(1_000, (schedule.next(after: slot)?.instant.milliseconds ?? 0) - slot.milliseconds)
        state = Mutex(
            State(
                oracle: LaneOracle(schedule: schedule, policy: policy), random: SplitMix64(seed: seed),
                times: LaneOracle.Times(wall: start, monotonic: .seconds(1_000)), stepsLeft: steps))
    }

    // MARK: From one lane to the next

    /// Lives it to its end.
    func live() async throws -> LaneOracle {
        while state.withLock({ $0.stepsLeft > 0 }) {
            let now = state.withLock { $0.times.wall }
            let term = try await Term.take(store, holder: "test", now: now)
            let ledger = JobLedger(store: store, term: term)
            _ = try await ledger.recordCrashes(now: now)
            try await noteChange(or: nil)
            let lane = lane(ledger)
            state.withLock {
                $0.oracle.begin()
                $0.look = Look()
                $0.lane = lane
            }
            do {
                try await lane.run()
            } catch let error as StorageError where error.kind == .leaseLost {
                // The process crashed: whatever it still wanted to write was refused.
            }
            state.withLock { state in
                state.lane = nil
                move(&state)
            }
        }
        return state.withLock { $0.oracle }
    }

    private func lane(_ ledger: JobLedger) -> Lane {
        let job = Job(
            name: Self.job, schedule: { [schedule] in schedule }, policy: { [policy] in policy },
            body: .steps(hasWork: { true }, perform: { [self] in try await work($0) }))
        return Lane(
            job,
            Lane.Parts(
                ledger: ledger, longestWait: { .milliseconds(1) }, now: { [self] in state.withLock { $0.times.wall } },
                monotonic: { [self] in state.withLock { $0.times.monotonic } }, standing: {},
                beat: { [self] in beat() }, report: { [self] in await heard($0) }),
            database: store.path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    // MARK: Within a lane

    /// A look begins; if the last one found nothing, something has to happen first.
    private func beat() {
        let lane = state.withLock { state -> Lane? in
            defer { state.look = Look(began: state.times, isPaused: state.isPaused) }
            guard let began = state.look.began, state.look.ended == nil else { return nil }
            if !state.look.isPaused { state.oracle.rested(at: began, next: state.lane?.next) }
            // A look that began before the job was resumed may have met either; the clock waits for one that didn't.
            if state.isResuming || state.look.isPaused != state.isPaused { return nil }
            state.stepsLeft -= 1
            if state.stepsLeft <= 0 || Int.random(in: 0..<25, using: &state.random) == 0 {
                state.lane?.markStopping()
            } else if state.isPaused, Int.random(in: 0..<4, using: &state.random) == 0 {
                resume(&state)
            } else {
                move(&state)
            }
            return state.lane
        }
        lane?.lookAgain()
    }

    private func resume(_ state: inout State) {
        state.isResuming = true
        Task { [self] in
            _ = try await JobLedger(store: store).resume(Self.job)
            self.state.withLock { ($0.isPaused, $0.isResuming) = (false, false) }
        }
    }

    private func work(_ context: JobContext) async throws -> JobOutcome {
        let choice = state.withLock { state in
            let choice = Int.random(in: 0..<10, using: &state.random)
            state.times.advance(Int64.random(in: 0...20_000, using: &state.random))
            if choice == 0 { state.times.advance(30_000) }
            if Int.random(in: 0..<30, using: &state.random) == 0 { jump(&state) }
            return choice
        }
        struct Refusal: Error {}
        switch choice {
        case 1...3: throw Refusal()
        case 4: _ = try await Term.take(store, holder: "the next", now: context.now)
        default: break
        }
        return JobOutcome(rows: 1, isComplete: !context.isStopping(), message: "done", messageID: "0")
    }

    private func heard(_ report: Lane.Report) async {
        let began = state.withLock { state -> LaneOracle.Times in
            state.look.ended = state.times
            return state.look.began ?? state.times
        }
        try? await noteChange(or: { $0.refused(at: began) })
        let pauses = state.withLock { state in
            guard !state.isPaused, Int.random(in: 0..<15, using: &state.random) == 0 else { return false }
            state.isPaused = true
            return true
        }
        if pauses { _ = try? await JobLedger(store: store).pause(Self.job, now: began.wall) }
    }

    /// Finds the line of the ledger that isn't as it was.
    private func noteChange(or otherwise: ((inout LaneOracle) -> Void)?) async throws {
        let present = try await JobLedger(store: store).latest(5_000, of: Self.job)
        state.withLock { state in
            let changed = present.filter { state.oracle.rows[$0.slot] != $0 }
            guard !changed.isEmpty else {
                otherwise?(&state.oracle)
                return
            }
            for run in changed {
                let began = state.look.began ?? state.times
                state.oracle.ran(
                    run, from: began, to: state.look.ended ?? state.times,
                    isPaused: state.look.isPaused && state.isPaused && !state.isResuming)
            }
        }
    }

    // MARK: The clock

    private func move(_ state: inout State) {
        let hold = state.oracle.hold
        switch Int.random(in: 0..<20, using: &state.random) {
        case 0...1 where hold.earliest > state.times.monotonic:
            // To a moment before anything may start.
            let left = Int64((hold.earliest - state.times.monotonic) / .milliseconds(1))
            state.times.advance(Int64.random(in: 0...max(0, left - 1), using: &state.random))
        case 0...7 where hold.latest > state.times.monotonic:
            state.times.advance(Int64((hold.latest - state.times.monotonic) / .milliseconds(1)) + 1)
        case 0...11:
            let next = state.lane?.next?.milliseconds ?? state.times.wall.milliseconds + rhythm
            state.times.advance(max(1, next - state.times.wall.milliseconds))
        case 12...15: state.times.advance(Int64.random(in: 1...rhythm, using: &state.random))
        default: jump(&state)
        }
        // Within the backoff's jitter nobody can say what is right.
        if state.times.monotonic > hold.earliest, state.times.monotonic < hold.latest {
            state.times.advance(Int64((hold.latest - state.times.monotonic) / .milliseconds(1)) + 1)
        }
    }

    /// The wall clock alone: forth by a few slots, or back, but not to before the job was new.
    private func jump(_ state: inout State) {
        let by = Int64.random(in: -6 * rhythm...9 * rhythm, using: &state.random)
        state.times.wall.milliseconds = max(start.milliseconds, state.times.wall.milliseconds + by)
    }
}
