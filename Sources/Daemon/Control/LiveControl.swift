import ServiceLifecycle
import Storage
import Systemd

/// What changes a running daemon from outside: its live settings, the two ways to reload them, and the control socket.
struct LiveControl: Sendable {
    let services: [any Service]

    /// How many services call `standing`.
    static let serviceCount = 2

    /// - Parameters:
    ///   - live: what holds, and is replaced by a reload.
    ///   - handlers: given those that know how to reload, returns those with jobs.
    init(
        _ live: LiveSettings, _ outside: Daemon.Surroundings, store: Store,
        handlers: (ControlHandlers) -> ControlHandlers = { $0 }, standing: @escaping @Sendable () -> Void
    ) {
        live.observe { settings in
            store.writer.change(to: settings.pace)
            outside.logThreshold?.level = settings.logLevel
        }
        // Without an origin no file is read, and a reload says so.
        let reload = Reload(
            origin: outside.origin ?? SettingsOrigin(environment: [:]),
            live: live, notifier: outside.notifier, logger: outside.logger, monotonic: outside.monotonic)
        let server = ControlServer(
            .listening(environment: outside.environment, database: store.path), database: store.path,
            handlers: handlers(ControlHandlers(reload: { await reload.perform().reply })), logger: outside.logger,
            standing: standing)
        services = [ReloadSignal(reload: reload, standing: standing), server]
    }
}

extension ControlHandlers {
    /// Those that reach the lanes.
    func with(_ lanes: [Lane]) -> ControlHandlers {
        var handlers = self
        handlers.run = { job, isDryRun in
            guard let lane = lanes.first(where: { $0.job.name == job }) else {
                let names = lanes.map(\.job.name).joined(separator: ", ")
                return ControlReply(status: 66, lines: ["there is no job \"\(job)\"; the jobs are: \(names)"])
            }
            guard !isDryRun else {
                return ControlReply(status: 64, lines: ["a dry run needs no daemon; `tallyd jobs run` makes it itself"])
            }
            return await lane.runNow().reply(for: job)
        }
        handlers.wake = {
            for lane in lanes { lane.lookAgain() }
            return ControlReply(lines: [])
        }
        return handlers
    }
}

extension Lane.Report {
    /// What `tallyd jobs run` prints and ends with.
    package func reply(for job: String) -> ControlReply {
        switch self {
        case .idle: ControlReply(lines: ["\(job): there was nothing to do"])
        case .ran(let ending):
            ControlReply(
                status: ending.state == .succeeded ? 0 : 75,
                lines: ["\(job): \(ending.state.rawValue), \(ending.rows) rows"] + (ending.error.map { [$0] } ?? []))
        case .failed(let error): ControlReply(status: 1, lines: ["\(job): failed: \(error)"])
        }
    }
}

extension Reload.Outcome {
    /// What `tallyd reload` prints and ends with.
    var reply: ControlReply {
        switch self {
        case .applied(let plan): ControlReply(lines: plan.lines)
        case .refused(let problems):
            ControlReply(status: 78, lines: ["refused, nothing has changed:"] + problems)
        }
    }
}
