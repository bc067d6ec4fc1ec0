import Daemon
import Foundation
import Scheduling
import Synchronization
import WebhookReceiver

/// Webhooks: how soon an event arrives while the gateway writes, what one processor delivers, what a hanging endpoint does to others, and whether
/// endless answers fill the memory.
struct WebhookBench {
    let tools: Tools
    let data: Dataset
    let runs: Int

    private static let usageRows = 100_000
    private static let seconds = 30
    private static let environment = [
        "TALLYD_ENVIRONMENT": "development", "TALLYD_WEBHOOK_ALLOW": "127.0.0.1/32", "TALLYD_LOG_LEVEL": "error",
    ]

    func measure() async throws -> [Measurement] {
        try await latency() + throughput() + endless()
    }

    // MARK: From commit to arrival

    /// 500 requests a second, of which 200 with an event.
    private func latency() async throws -> [Measurement] {
        let path = try database("webhooks-latency")
        let alone = try write(path, seconds: Self.seconds)
        let arrivals = Arrivals()
        let beside = try await Receiver(arrivals).serving { port in
            try enter(["w1": "http://127.0.0.1:\(port)/"], user: "bench", path)
            let daemon = try ChildProcess.start(
                tools.tallyd, ["run", "--database", path], environment: Self.environment)
            return try await daemon.beside {
                try await Task.sleep(for: .seconds(2))
                return try write(path, seconds: Self.seconds, eventPercent: 40)
            }
        }
        let times = arrivals.milliseconds
        let scenario = "webhooks beside 500/s, 200 events/s"
        func line(_ what: String, _ value: Double, _ unit: String, _ bound: String? = nil) -> Measurement {
            Measurement(scenario: scenario, what: what, value: value, unit: unit, bound: bound)
        }
        return [
            line("events that arrived", Double(times.count), ""),
            line("commit to arrival, p50", times.percentile(50), "ms"),
            line("commit to arrival, p95", times.percentile(95), "ms", "≤ 20"),
            line("commit to arrival, p99", times.percentile(99), "ms", "≤ 50"),
            line("commit to arrival, longest", times.percentile(100), "ms"),
            line("gateway's p99 alone", alone.p99_ms, "ms"), line("gateway's p99 beside", beside.p99_ms, "ms"),
            line("gateway's p99 beside − alone", beside.p99_ms - alone.p99_ms, "ms", "≤ 5"),
            line("gateway's longest alone", alone.max_ms, "ms"),
            line("gateway's longest beside", beside.max_ms, "ms", "≤ 50 or as alone"),
            line("SQLITE_BUSY beside", Double(beside.busy), "", "0"),
        ]
    }

    // MARK: Throughput

    private static let burst = 20_000

    private func throughput() async throws -> [Measurement] {
        let path = try database("webhooks-burst")
        let arrivals = Arrivals()
        let (seconds, processor, memory) = try await Receiver(arrivals).serving { port in
            let urls = (1...10).map { ("w\($0)", "http://127.0.0.1:\(port)/\($0)") }
            try enter(Dictionary(uniqueKeysWithValues: urls), user: "bench", path)
            try queue(Self.burst / 10, user: "bench", path)
            let daemon = try ChildProcess.start(
                tools.tallyd, ["run", "--database", path], environment: Self.environment)
            return try await daemon.beside {
                let process = ProcessFigures(pid: daemon.pid)
                while arrivals.count == 0 { try await Task.sleep(for: .milliseconds(5)) }
                let began = (monotonicNanoseconds(), try process.processorNanoseconds())
                // Until the last outcome is written.
                while try open(path) > 0 { try await Task.sleep(for: .milliseconds(50)) }
                return (
                    Double(monotonicNanoseconds() - began.0) / 1e9,
                    Double(try process.processorNanoseconds() - began.1) / 1e9,
                    try process.memoryBytes("VmHWM", in: "status") / 1e6
                )
            }
        }
        let scenario = "webhooks, \(Self.burst) of 1 KiB to 10 endpoints"
        return [
            Measurement(
                scenario: scenario, what: "deliveries a second, outcomes written", value: Double(Self.burst) / seconds,
                unit: ""),
            Measurement(
                scenario: scenario, what: "deliveries a second of processor", value: Double(Self.burst) / processor,
                unit: "", bound: "≥ 1000"),
            Measurement(scenario: scenario, what: "peak memory", value: memory, unit: "MB"),
        ]
    }

    // MARK: A hanging endpoint

    func isolation() async throws -> [Measurement] {
        var alone = Percentiles()
        var beside = Percentiles()
        var many = Percentiles()
        var manySecure = Percentiles()
        var (memories, further, secure): ([Double], [Double], [Double]) = ([], [], [])
        var (whole, wholeSecure): ([Double], [Double]) = ([], [])
        for _ in 0..<runs {
            alone.add(try await healthy(hanging: 1, queued: 0))
            beside.add(try await healthy(hanging: 1, queued: 10_000))
            many.add(try await healthy(hanging: 1_000, queued: 5))
            manySecure.add(try await healthy(hanging: 1_000, queued: 5, overTLS: true))
            let (one, thousand, two) = (try await hung(1), try await hung(1_001), try await hung(2_001))
            memories.append((thousand - one) / 1_000)
            further.append((two - thousand) / 1_000)
            whole.append((try await halted(places: 1_000) - one) / 1_000)
            let oneSecure = try await hung(1, overTLS: true)
            secure.append((try await hung(1_001, overTLS: true) - oneSecure) / 1_000)
            wholeSecure.append((try await halted(places: 1_000, overTLS: true) - oneSecure) / 1_000)
        }
        let scenario = "webhooks, 9 healthy endpoints, 100 events/s"
        func line(_ what: String, _ values: [Double], _ unit: String, _ bound: String? = nil) -> Measurement {
            Measurement(
                scenario: scenario, what: what, value: values.median, unit: unit, spread: values.spread, bound: bound)
        }
        return [
            line("p99 alone", alone.p99, "ms"),
            line("p99 with 10,000 queued for one that hangs", beside.p99, "ms"),
            line("beside / alone", zip(beside.p99, alone.p99).map { $0 / $1 }, "×", "≤ 1.1"),
            line("p50 alone", alone.p50, "ms"), line("p50 beside", beside.p50, "ms"),
            line("p99 with 1,000 endpoints that hang", many.p99, "ms"),
            line("p50 with 1,000 endpoints that hang", many.p50, "ms"),
            line("p99 with 1,000 endpoints that hang over https", manySecure.p99, "ms"),
            line("p50 with 1,000 endpoints that hang over https", manySecure.p50, "ms"),
            line("memory of one that hangs, of 1,000", memories, "kB", "≤ 16 KiB + 1 KiB: 17.4"),
            line("memory of one that hangs, of 1,000 more", further, "kB", "≤ 17.4"),
            line("memory of one that hangs over https, of 1,000", secure, "kB"),
            line("memory of all that stop in their trailers, TALLYD_WEBHOOK_IN_FLIGHT=1000", whole, "MB", "≤ 17.4"),
            line("the same over https", wholeSecure, "MB", "≤ 17.4"),
        ]
    }

    /// Of several runs.
    private struct Percentiles {
        var p50: [Double] = []
        var p99: [Double] = []

        mutating func add(_ milliseconds: [Double]) {
            p50.append(milliseconds.percentile(50))
            p99.append(milliseconds.percentile(99))
        }
    }

    /// Milliseconds from commit to arrival at the healthy ones.
    private func healthy(hanging: Int, queued: Int, overTLS: Bool = false) async throws -> [Double] {
        let path = try database("webhooks-isolation")
        let arrivals = Arrivals()
        let certificate = try SilentTLSServer.makeCertificate(in: data.folder)
        try await Receiver(arrivals).serving { port in
            let silent = try SilentServer(.silent)
            defer { silent.close() }
            let secure = try await SilentTLSServer.start(certificate)
            defer { secure.close() }
            let origin = overTLS ? "https://127.0.0.1:\(secure.ports[0])" : "http://127.0.0.1:\(silent.ports[0])"
            let silentURLs = (1...hanging).map { ("h\($0)", "\(origin)/\($0)") }
            try enter(Dictionary(uniqueKeysWithValues: silentURLs), user: "hung", path)
            let urls = (1...9).map { ("w\($0)", "http://127.0.0.1:\(port)/\($0)") }
            try enter(Dictionary(uniqueKeysWithValues: urls), user: "bench", path)
            if queued > 0 { try queue(queued, user: "hung", path) }
            let daemon = try ChildProcess.start(
                tools.tallyd, ["run", "--database", path],
                environment: Self.environment.merging(["TALLYD_WEBHOOK_CA_FILE": certificate.path]) { $1 })
            return try await daemon.beside {
                try await Task.sleep(for: .seconds(5))
                _ = try write(path, seconds: Self.seconds, rate: 100, eventPercent: 11.1)
            }
        }
        return arrivals.milliseconds
    }

    /// The daemon's resident memory in kB while so many attempts hang, each at an endpoint of its own, all at one origin.
    private func hung(_ count: Int, overTLS: Bool = false) async throws -> Double {
        try await memory(of: count, at: Receivers(overTLS: overTLS, isHalting: false, origins: 1), expected: count)
    }

    /// The same for as many attempts as there are places for, each at an origin of its own, which stop amid a response.
    private func halted(places: Int, overTLS: Bool = false) async throws -> Double {
        let weight = overTLS ? AttemptWeight.overTLS : AttemptWeight.overHTTP
        let origins = places / weight + 50
        return try await memory(
            of: origins, at: Receivers(overTLS: overTLS, isHalting: true, origins: origins), places: places,
            expected: places / weight)
    }

    private struct Receivers {
        var overTLS: Bool
        var isHalting: Bool
        var origins: Int
    }

    private func memory(
        of count: Int, at receivers: Receivers, places: Int? = nil, expected: Int
    ) async throws -> Double {
        if receivers.overTLS {
            let certificate = try SilentTLSServer.makeCertificate(in: data.folder)
            let server = try await SilentTLSServer.start(
                certificate, ports: receivers.origins, response: receivers.isHalting ? SilentServer.halted : [])
            defer { server.close() }
            return try await memory(
                of: count, server.ports.map { "https://127.0.0.1:\($0)" }, places,
                ["TALLYD_WEBHOOK_CA_FILE": certificate.path], expected: expected
            ) { server.count }
        }
        let server = try SilentServer(receivers.isHalting ? .halting : .silent, ports: receivers.origins)
        defer { server.close() }
        return try await memory(
            of: count, server.ports.map { "http://127.0.0.1:\($0)" }, places, expected: expected
        ) { server.count }
    }

    private func memory(
        of count: Int, _ origins: [String], _ places: Int?, _ environment: [String: String] = [:], expected: Int,
        hanging: @Sendable () -> Int
    ) async throws -> Double {
        let path = try database("webhooks-hung")
        let urls = (0..<count).map { ("h\($0)", "\(origins[$0 % origins.count])/\($0)") }
        try enter(Dictionary(uniqueKeysWithValues: urls), user: "hung", path)
        try queue(1, user: "hung", path)
        let most = count * AttemptWeight.overTLS
        let daemon = try ChildProcess.start(
            tools.tallyd, ["run", "--database", path],
            environment: Self.environment.merging(environment) { $1 }
                .merging(["TALLYD_WEBHOOK_IN_FLIGHT": "\(places ?? most)"]) { $1 })
        return try await daemon.beside {
            // Well within their deadline of 15 s.
            try await Task.sleep(for: .seconds(8))
            guard hanging() == expected else {
                throw BenchError("\(hanging()) attempts hang in place of \(expected)")
            }
            return try ProcessFigures(pid: daemon.pid).memoryBytes("VmRSS", in: "status") / 1e3
        }
    }

    // MARK: Endless bodies

    private func endless() async throws -> [Measurement] {
        let path = try database("webhooks-endless")
        let server = try SilentServer(.endless)
        defer { server.close() }
        let urls = (1...20).map { ("e\($0)", "http://127.0.0.1:\(server.ports[0])/\($0)") }
        try enter(Dictionary(uniqueKeysWithValues: urls), user: "bench", path)
        let daemon = try ChildProcess.start(tools.tallyd, ["run", "--database", path], environment: Self.environment)
        let resident = try await daemon.beside {
            let process = ProcessFigures(pid: daemon.pid)
            var resident: [Double] = []
            for _ in 0..<Self.seconds {
                try queue(50, user: "bench", path)
                try await Task.sleep(for: .seconds(1))
                resident.append(try process.memoryBytes("VmRSS", in: "status") / 1e6)
            }
            return resident
        }
        let third = resident.count / 3
        let scenario = "webhooks, endless bodies, 1,000 attempts/s"
        return [
            Measurement(
                scenario: scenario, what: "resident memory, second third",
                value: Array(resident[third..<2 * third]).median,
                unit: "MB"),
            Measurement(
                scenario: scenario, what: "resident memory, last third", value: Array(resident[(2 * third)...]).median,
                unit: "MB", bound: "flat"),
        ]
    }

    // MARK: The database

    private func database(_ name: String) throws -> String {
        let path = try data.copy(rows: Self.usageRows, name: name, migrated: true)
        let counted = try ChildProcess.run(tools.tallyd, ["rollup", "run", "--database", path])
        guard counted.status == 0 else { throw BenchError("rollup ended with \(counted.status)\n\(counted.output)") }
        return path
    }

    private func write(_ path: String, seconds: Int, rate: Int = 500, eventPercent: Double = 0) throws
        -> GatewayView.Report
    {
        try GatewayView.report(
            ChildProcess.run(
                tools.gateway,
                [
                    "write", "--database", path, "--rate", "\(rate)", "--seconds", "\(seconds)", "--busy-timeout", "50",
                    "--json", "-", "--quiet", "--event-percent", "\(eventPercent)", "--event-user", "bench",
                ]))
    }

    private func enter(_ endpoints: [String: String], user: String, _ path: String) throws {
        let rows = endpoints.map { id, url in
            "('\(id)', '\(user)', '\(url)', '[\"*\"]', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')"
        }
        try shell(
            "INSERT INTO webhooks (id, user_id, url, events, secret) VALUES \(rows.joined(separator: ", "));", path)
    }

    /// Events of 1 KiB that are there at once.
    private func queue(_ count: Int, user: String, _ path: String) throws {
        try shell(
            """
            WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < \(count))
            INSERT INTO webhook_events (user_id, event_type, payload)
            SELECT '\(user)', 'usage.recorded', json_object('filler', hex(randomblob(500))) FROM counter;
            """, path)
    }

    /// Deliveries that are still to be made, or of events that are still to be fanned out.
    private func open(_ path: String) throws -> Int {
        let text = try shell(
            """
            SELECT (SELECT COUNT(*) FROM webhook_events WHERE seq > (SELECT fanned_out FROM webhook_outbox))
                 + (SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE state IN ('pending', 'claimed')));
            """, path)
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    @discardableResult
    private func shell(_ sql: String, _ path: String) throws -> String {
        let child = try ChildProcess.run(
            tools.shell, ["-cmd", ".timeout 5000", path], input: "PRAGMA synchronous = NORMAL;\n" + sql)
        guard child.status == 0 else { throw BenchError("sqlite3 ended with \(child.status)\n\(child.output)") }
        return child.output
    }
}

/// When messages arrived that tell in their id when they were written.
private final class Arrivals: Sendable {
    private let times = Mutex<[Double]>([])
    private let total = Atomic(0)

    func note(_ id: String?) {
        total.add(1, ordering: .relaxed)
        let parts = (id ?? "").split(separator: "-")
        guard parts.first == "sim", parts.count == 3, let written = Int64(parts[1]) else { return }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let microseconds = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
        times.withLock { $0.append(Double(microseconds - written) / 1_000) }
    }

    var count: Int { total.load(ordering: .relaxed) }

    var milliseconds: [Double] { times.withLock { $0 } }
}

/// The receiver of `tallyd webhooks listen`, in this process.
private struct Receiver {
    let arrivals: Arrivals

    init(_ arrivals: Arrivals) { self.arrivals = arrivals }

    func serving<T: Sendable>(_ work: @escaping @Sendable (Int) async throws -> T) async throws -> T {
        let port = AsyncStream<Int>.makeStream()
        let receiver = WebhookReceiver(
            verifier: nil, now: { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) },
            report: { [arrivals] request in arrivals.note(request.id) })
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receiver.run(host: "127.0.0.1", port: 0) { port.continuation.yield($0) } }
            var ports = port.stream.makeAsyncIterator()
            guard let number = await ports.next() else { throw BenchError("the receiver does not listen") }
            defer { group.cancelAll() }
            return try await work(number)
        }
    }
}
