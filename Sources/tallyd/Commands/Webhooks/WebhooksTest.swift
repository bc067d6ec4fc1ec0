import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd webhooks test`.
struct WebhooksTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Queue an event webhook.test for one endpoint, whatever it has asked for.",
        discussion: """
            `tallyd run` attempts it as any other delivery. With --wait this waits for its first attempt, for 30s unless --timeout says \
            otherwise, and says what came of it: the status is 0 when it was delivered, 1 when it was not, and 75 when nothing was \
            attempted in time.

            EXAMPLES
              tallyd webhooks test w1
              tallyd webhooks test w1 --wait --timeout 1m
            """)

    @Argument(help: "The endpoint's id.") var endpoint: String
    @Flag(help: "Wait for the first attempt, and print what came of it.") var wait = false
    @Option(
        help: ArgumentHelp("How long to wait for it, such as 1m; 30s unless said.", valueName: "duration"),
        transform: ReloadCommand.duration)
    var timeout: Duration?
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    private static let timeoutUnlessSaid = Duration.seconds(30)

    func validate() throws {
        guard wait || timeout == nil else {
            throw ValidationError("--timeout is how long to --wait: give both, or neither.")
        }
    }

    /// How often it looks: one read by two keys.
    private static let interval = Duration.milliseconds(50)

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let payload = try JSONValue.object(["endpoint": .string(endpoint)]).line()
        let queued = try await Outbox(store: database.store).test(endpoint, payload: payload, now: WallClock.now())
        guard let queued else { throw ValidationError.noEndpoint(endpoint) }
        let report = OutboxReport(store: database.store)
        if !json { print("event \(queued.event), delivery \(queued.delivery): queued for \(endpoint.printable)") }
        let before = try await report.endpoints(endpoint: endpoint).first
        let stillness = Self.stillness(database.path)
        for line in [stillness, before?.obstacle].compactMap(\.self) { Terminal.complain(line) }
        let progress = wait ? try await watch(queued.delivery, report) : try await report.progress(of: queued.delivery)
        if json { print(try Self.json(queued.event, progress, endpoint).text()) }
        guard wait else { return }
        try conclude(progress, queued.delivery, try await report.endpoints(endpoint: endpoint).first)
    }

    private typealias Progress = (delivery: OutboxReport.Delivery, attempt: OutboxReport.Attempt?)

    private func watch(_ delivery: Int64, _ report: OutboxReport) async throws -> Progress? {
        let interruption = Interruption()
        let bar = ProgressBar()
        defer { bar.clear() }
        let deadline = WallClock.monotonic() + (timeout ?? Self.timeoutUnlessSaid)
        while true {
            let progress = try await report.progress(of: delivery)
            guard let progress, progress.attempt == nil, progress.delivery.settledAt == nil,
                WallClock.monotonic() < deadline
            else { return progress }
            bar.show("waiting for the first attempt of delivery \(delivery)")
            do {
                try await interruption.pause(Self.interval)
            } catch is Interrupted {
                throw interruption.stopped("delivery \(delivery) is queued, and goes when `tallyd run` comes to it")
            }
        }
    }

    /// Says how it ended, and ends with a status that says so, too.
    private func conclude(_ progress: Progress?, _ delivery: Int64, _ endpoint: OutboxReport.Endpoint?) throws {
        guard let (state, attempt) = progress else {
            Terminal.complain("delivery \(delivery) was removed meanwhile: queue it again.")
            throw ExitStatus.failure.code
        }
        if let attempt {
            let answer = attempt.status.map { "status \($0)" } ?? "no response"
            let place = attempt.address.map { " from \($0)" } ?? ""
            let sentence = "\(answer)\(place) after \(WebhooksAttempts.took(attempt))".printable
            guard let reason = attempt.reason else {
                if !json { print("delivered: \(sentence)") }
                return
            }
            let next = state.nextAttempt.map { "; tried again at \($0)" } ?? ""
            Terminal.complain("not delivered (\(reason)): \(attempt.error ?? sentence)\(next)")
            if state.settledAt != nil { Terminal.complain(ReasonText.remedy(reason, endpoint: self.endpoint)) }
            throw ExitStatus.failure.code
        }
        guard state.settledAt == nil else {
            let reason = state.reason ?? "no reason"
            Terminal.complain("not delivered (\(reason)): nothing was attempted")
            Terminal.complain(ReasonText.remedy(reason, endpoint: self.endpoint))
            throw ExitStatus.failure.code
        }
        var lines = ["no attempt has ended within \(DurationText.format(timeout ?? Self.timeoutUnlessSaid))"]
        if state.state == .claimed { lines.append("it waits for its turn at the endpoint, or an attempt is under way") }
        if endpoint?.obstacle == nil { lines += endpoint.map { $0.notes(now: WallClock.now()) } ?? [] }
        lines.append(
            "it is queued: `tallyd webhooks attempts --delivery \(delivery)` shows the attempt, once there is one")
        Terminal.complain(lines.joined(separator: "\n"))
        throw ExitStatus.temporaryFailure.code
    }

    /// Why nothing goes to anybody now; nil where a daemon delivers.
    private static func stillness(_ database: String) -> String? {
        switch Ownership.Deliverer.of(database: database) {
        case .running: nil
        case .switchedOff: "the daemon that runs delivers no webhooks: TALLYD_WEBHOOKS is off"
        case .another(let holder): "nothing is delivered while \(holder) has the database"
        case .nobody: "no daemon runs: start `tallyd run`"
        }
    }

    private static func json(_ event: String, _ progress: Progress?, _ endpoint: String) -> JSONValue {
        .object([
            "event": .string(event), "endpoint": .string(endpoint),
            "delivery": progress.map { WebhooksDeliveries.json($0.delivery) } ?? .null,
            "attempt": progress?.attempt.map(WebhooksAttempts.json) ?? .null,
        ])
    }
}
