import ArgumentParser
import Daemon
import Foundation
import Logging
import Scheduling
import Storage
import Systemd

/// The daemon's own command: reads the settings, sets up logging, and hands over.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon: keep the totals up to date until SIGTERM or Ctrl-C.",
        discussion: """
            Migrates the database first if it has to. Under systemd it reports readiness, status and liveness and logs to the journal; \
            on a terminal it logs readable lines. SIGHUP and `tallyd reload` read the settings file again. A second daemon on the same database stands by and takes over when the first ends.
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let origin = database.origin()
        let settings = try origin.read()
        signal(SIGPIPE, SIG_IGN)  // a log reader that went away is no reason to stop counting
        signal(SIGHUP, SIG_IGN)  // until the daemon serves and reloads on it; a migration is not to end by it
        let logging = try makeLogHandler(
            label: "tallyd", destination: destination(settings, environment), level: settings.logLevel)
        let flood = FloodControl(
            subjectKey: "job", heldFields: ["message_id": "\(MessageID.linesHeld)"],
            monotonic: { .nanoseconds(Int64(MonotonicClock.nanoseconds())) })
        defer {
            flood.finish()
            logging.flush()
        }
        let logger = Logger(label: "tallyd") { flood.wrap(logging.makeHandler(label: $0)) }
        let notifier = SystemdNotifier.detect(environment: environment, logger: logger)
        do {
            try await Daemon(
                settings,
                Daemon.Surroundings(
                    environment: environment, notifier: notifier, logger: logger, origin: origin,
                    logThreshold: logging.threshold, now: WallClock.now)
            ).run()
        } catch {
            notifier.notify([.status("\(error)"), .errno(EIO)])
            throw error
        }
    }

    private func destination(_ settings: Settings, _ environment: [String: String]) -> LogDestination {
        let detected = LogDestination.detect(environment: environment)
        switch settings.logFormat {
        case .auto: return detected
        case .journal: return .journal
        case .lines: return detected == .journal ? .prefixed(priorities: true) : detected
        }
    }
}
