import Logging
import Synchronization
import Testing

@testable import Systemd

@Suite struct FloodGateTests {
    private static func kind(_ message: String, _ level: Logger.Level = .error) -> FloodGate.Kind {
        FloodGate.Kind(level: level, message: message, subject: "rollup")
    }

    @Test func `a burst passes, the rest is held, and a quiet time fills the bucket`() {
        var gate = FloodGate(burst: 3, refill: .seconds(10), window: .seconds(60))
        let kind = Self.kind("a")
        let passed = (0..<10).map { gate.admit(kind, at: .milliseconds(Int64($0))).passes }
        #expect(passed == [true, true, true] + Array(repeating: false, count: 7))
        #expect(gate.admit(Self.kind("b"), at: .zero).passes)
        #expect(gate.admit(Self.kind("a", .warning), at: .zero).passes)
        #expect(gate.nextReport == .seconds(60) + .milliseconds(3))
        #expect(gate.reports(at: .seconds(60)) == [])
        #expect(gate.reports(at: .seconds(61)) == [FloodGate.Report(kind: kind, count: 7)])
        #expect(gate.reports(at: .seconds(61)) == [])
        #expect(gate.nextReport == nil)
        #expect((0..<4).map { _ in gate.admit(kind, at: .seconds(100)).passes } == [true, true, true, false])
        #expect(gate.reports(at: nil) == [FloodGate.Report(kind: kind, count: 1)])
    }

    @Test func `a kind that must be forgotten is reported, and quiet ones go first`() {
        var gate = FloodGate(burst: 1, refill: .seconds(10), window: .seconds(60), kindLimit: 2)
        #expect(gate.admit(Self.kind("a"), at: .zero).passes)
        #expect(!gate.admit(Self.kind("a"), at: .zero).passes)
        #expect(gate.admit(Self.kind("b"), at: .zero).passes)
        #expect(gate.admit(Self.kind("c"), at: .seconds(1)).forgotten == [])
        #expect(!gate.admit(Self.kind("c"), at: .seconds(1)).passes)
        let forgotten = gate.admit(Self.kind("d"), at: .seconds(1)).forgotten
        #expect(forgotten == [FloodGate.Report(kind: Self.kind("a"), count: 1)])
    }

    /// Tokens counted in nanoseconds, kind by kind, and nothing ever forgotten.
    private struct Oracle {
        let burst: Int64
        let refill: Int64
        var tokens: [FloodGate.Kind: (credit: Int64, at: Int64)] = [:]

        mutating func passes(_ kind: FloodGate.Kind, at now: Int64) -> Bool {
            var (credit, at) = tokens[kind] ?? (burst * refill, now)
            credit = min(burst * refill, credit + now - at)
            at = now
            let passes = credit >= refill
            tokens[kind] = (passes ? credit - refill : credit, at)
            return passes
        }
    }

    @Test(arguments: 0..<200)
    func `held and passed lines are all that were sent, and each is judged as a plain count of tokens would`(seed: Int)
    {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let (burst, refill, kinds) = (1 + next(5), Int64(1 + next(20)), 1 + next(8))
        let isCramped = seed % 2 == 1
        var gate = FloodGate(
            burst: burst, refill: .nanoseconds(refill), window: .nanoseconds(1 + next(50)),
            kindLimit: isCramped ? 1 + next(kinds) : kinds)
        var oracle = Oracle(burst: Int64(burst), refill: refill)
        var (sent, accounted) = ([FloodGate.Kind: Int](), [FloodGate.Kind: Int]())
        func account(_ reports: [FloodGate.Report]) {
            for report in reports {
                #expect(report.count > 0)
                accounted[report.kind, default: 0] += report.count
            }
        }
        var now: Int64 = 0
        for _ in 0..<400 {
            now += Int64(next(3) == 0 ? next(60) : next(3))
            let kind = Self.kind("\(next(kinds))")
            sent[kind, default: 0] += 1
            let (passes, forgotten) = gate.admit(kind, at: .nanoseconds(now))
            if passes { accounted[kind, default: 0] += 1 }
            account(forgotten)
            // What is forgotten begins with a full bucket again.
            let expected = oracle.passes(kind, at: now)
            if !isCramped {
                #expect(passes == expected)
                #expect(forgotten.isEmpty)
            }
            if next(10) == 0 { account(gate.reports(at: .nanoseconds(now))) }
            if let due = gate.nextReport { #expect(due > .zero) }
        }
        account(gate.reports(at: nil))
        #expect(accounted == sent, "seed \(seed)")
        #expect(gate.nextReport == nil)
    }

    @Test(.timeLimit(.minutes(10)))
    func `a flood is held down, and one line says by how much`() async {
        let log = RecordedLog()
        let time = Mutex(Duration.zero)
        let control = FloodControl(
            gate: FloodGate(burst: 2, refill: .seconds(1), window: .milliseconds(20)), subjectKey: "job",
            heldFields: ["message_id": "42"], monotonic: { time.withLock { $0 } })
        var logger = Logger(label: "test") { _ in control.wrap(log.logger.handler) }
        logger[metadataKey: "job"] = "rollup"
        logger.logLevel = .trace
        for _ in 0..<10 {
            logger.error("failed")
            logger.info("looked")
        }
        logger.error("failed", metadata: ["job": "metrics"])
        #expect(log.events.count { $0.message == "failed" } == 3)
        #expect(log.events.count { $0.message == "looked" } == 10)
        time.withLock { $0 = .seconds(1) }
        func reports() -> [LogEvent] { log.events.filter { $0.message == "lines of one kind were held back" } }
        while reports().isEmpty { await Task.yield() }
        #expect(reports().map(\.level) == [.error])
        #expect(reports().first?.metadata?["held"] == "8")
        #expect(reports().first?.metadata?["held_message"] == "failed")
        #expect(reports().first?.metadata?["job"] == "rollup")
        #expect(reports().first?.metadata?["message_id"] == "42")
        // One token has come; the end of the process reports what it still holds.
        for _ in 0..<3 { logger.error("failed") }
        control.finish()
        #expect(reports().count == 2)
        #expect(reports().last?.metadata?["held"] == "2")
    }
}
