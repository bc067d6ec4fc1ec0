import Foundation
import GRDB
import Testing

/// Two daemons on one database, of which one serves and the other stands by. Whichever is killed is replaced at once.
///
/// For one task alone, which strikes and awaits what follows.
final class DaemonPair {
    /// What one of the daemons said, and when it was heard.
    struct Said: Sendable {
        enum Kind { case serves, standsBy }
        let kind: Kind
        let process: pid_t
        let at: ContinuousClock.Instant
    }

    /// A slot a second for each job, looked at by the schedule alone, and every one that is missed made up for.
    private static let variables = [
        "TALLYD_ROLLUP_INTERVAL": "1s", "TALLYD_ROLLUP_WAKE": "off", "TALLYD_ROLLUP_MISSED_RUNS": "all",
        "TALLYD_METRICS_INTERVAL": "1s", "TALLYD_LOG_LEVEL": "debug", "TALLYD_LOG_FORMAT": "lines",
    ]

    let witness = RunWitness()
    private(set) var kills = 0
    /// From a kill, or a stop, until another daemon said that it served: the longest so far.
    private(set) var longestGap = Duration.zero
    /// The processes that served, each with the term that it took, in order.
    private(set) var reigns: [(term: Int64, process: pid_t)] = []

    private let place: Workplace
    private let said = EventLog<Said>()
    private let clock = ContinuousClock()
    private var daemons: [Child] = []
    private var serving = 0

    init(_ place: Workplace) async throws {
        self.place = place
        daemons.append(try start())
        try await awaitServing(after: 0, since: [clock.now])
        daemons.append(try start())
        try await awaitStandby()
    }

    var standby: Int { 1 - serving }

    /// Kills the daemon that serves, the one that stands by, or both at once, and starts as many anew.
    ///
    /// - Parameter again: after so long one of the two is killed as well, whoever serves by then.
    func kill(_ victims: [Victim], again: (delay: Duration, index: Int)? = nil) async throws {
        let mark = said.all.count
        var struck = [clock.now]
        try await replace(victims.map { $0 == .serving ? serving : standby })
        if let again {
            try await Task.sleep(for: again.delay)
            struck.append(clock.now)
            try await replace([again.index])
        }
        guard again != nil || victims.contains(.serving) else { return }
        // The second strike may have met the standby, and the other may serve on from before it.
        try await awaitServing(after: mark, since: struck, orStill: !victims.contains(.serving))
    }

    enum Victim { case serving, standby }

    private func replace(_ indices: [Int]) async throws {
        for index in indices { daemons[index].send(SIGKILL) }
        for index in indices {
            let ending = await daemons[index].ending(within: .seconds(10))
            try #require(ending == .killed(signal: SIGKILL), "\(daemons[index].errors)")
            kills += 1
            daemons[index] = try start()
        }
    }

    /// Stops the daemon that serves, so that its lease has to expire, and has it go on, or kills it, when the other one serves.
    func suspend(thenKill: Bool) async throws {
        try await awaitStandby()
        let (old, mark) = (serving, said.all.count)
        try await place.freeze(daemons[old])
        let struck = clock.now
        try await awaitServing(after: mark, since: [struck])
        try #require(serving != old)
        if thenKill {
            try await replace([old])
        } else {
            daemons[old].send(SIGCONT)
            let ending = await daemons[old].ending(within: .seconds(10))
            #expect(ending == .exited(75), "\(daemons[old].errors)")
            daemons[old] = try start()
        }
    }

    /// Ends both, the standby first, lest it take over.
    func end() async {
        for index in [standby, serving] {
            daemons[index].send(SIGTERM)
            let ending = await daemons[index].ending(within: .seconds(20))
            #expect(ending == .exited(0), "\(ending.debugDescription) \(daemons[index].errors)")
        }
    }

    /// - Throws: when one of them ended by itself within the time, which neither may.
    func liveOn(for time: Duration) async throws {
        let (one, other) = (daemons[0], daemons[1])
        async let first = one.ending(within: time)
        async let second = other.ending(within: time)
        let endings = await [first, second]
        try #require(endings == [nil, nil], "\(daemons.map(\.errors))")
    }

    private func awaitStandby() async throws {
        let process = daemons[standby].process
        let found = await said.first(within: .seconds(20)) { $0.process == process && $0.kind == .standsBy }
        try #require(found != nil, "nobody stands by: \(daemons.map(\.errors))")
    }

    /// Waits until one of the two has said that it serves, notes how long that took since the strike before it, and reads its term.
    private func awaitServing(
        after mark: Int, since struck: [ContinuousClock.Instant], orStill: Bool = false
    ) async throws {
        let processes = daemons.map(\.process)
        let found = await said.first(after: orStill ? 0 : mark, within: .seconds(60)) {
            $0.kind == .serves && processes.contains($0.process)
        }
        let event = try #require(found, "nobody serves: \(daemons.map(\.errors))")
        serving = try #require(processes.firstIndex(of: event.process))
        let before = struck.last { $0 <= event.at }
        if let before { longestGap = max(longestGap, event.at - before) }
        let (term, holder) = try place.read { db in
            let row = try Row.fetchOne(db, sql: "SELECT term, holder FROM tallyd_lease WHERE id = 1")
            return (row?["term"] as Int64? ?? 0, row?["holder"] as String? ?? "")
        }
        #expect(holder == "tallyd run, process \(event.process)", "\(daemons.map(\.errors))")
        if reigns.last?.process != event.process { reigns.append((term, event.process)) }
    }

    private func start() throws -> Child {
        try place.daemon(Self.variables) { [said, witness, clock] process, event in
            guard case .error(let line) = event else { return }
            let kind: Said.Kind? = line.contains("  ready") ? .serves : line.contains("  standing by") ? .standsBy : nil
            if let kind { said.append(Said(kind: kind, process: process, at: clock.now)) }
            witness.hear(line, from: process)
        }
    }
}
