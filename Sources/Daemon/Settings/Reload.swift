package import Logging
package import Systemd
import WebhookClient

/// Reads the settings again and applies what a running daemon can change: all of a file or nothing of it.
///
/// An actor without a suspension inside, so that one reload ends before the next begins.
package actor Reload {
    package enum Outcome: Sendable, Equatable {
        case applied(ReloadPlan)
        /// Nothing has changed. Every problem, one sentence each.
        case refused([String])
    }

    private let origin: SettingsOrigin
    private let live: LiveSettings
    private let notifier: any ServiceNotifier
    private let logger: Logger
    private let monotonic: @Sendable () -> Duration

    /// - Parameter monotonic: CLOCK_MONOTONIC since boot, which systemd compares with its own.
    package init(
        origin: SettingsOrigin, live: LiveSettings, notifier: any ServiceNotifier, logger: Logger,
        monotonic: @escaping @Sendable () -> Duration
    ) {
        self.origin = origin
        self.live = live
        self.notifier = notifier
        self.logger = logger
        self.monotonic = monotonic
    }

    /// Does it, tells the manager before and after, and logs the outcome.
    ///
    /// READY=1 follows RELOADING=1 also when the settings were refused: the service is as ready as it was, and without it
    /// systemd would wait for the end of the reload for ever.
    package func perform() -> Outcome {
        let now = UInt64(max(0, monotonic() / .microseconds(1)))
        notifier.notify([.reloading(monotonicMicroseconds: now), .status("reading the settings again")])
        let outcome = readAndApply()
        switch outcome {
        case .applied(let plan):
            notifier.notify([.ready, .status(plan.summary)])
            logger.notice(
                "settings read again",
                metadata: [
                    "message_id": "\(MessageID.reloaded)",
                    "applied": "\(Self.list(plan.applied))", "waiting": "\(Self.list(plan.waiting))",
                ])
        case .refused(let problems):
            notifier.notify([
                .ready, .status("reload refused, nothing has changed: \(problems.joined(separator: "; "))"),
            ])
            logger.error(
                "reload refused: nothing has changed",
                metadata: [
                    "message_id": "\(MessageID.reloadRefused)", "problems": "\(problems.joined(separator: "\n"))",
                ])
        }
        return outcome
    }

    private func readAndApply() -> Outcome {
        guard origin.file != nil else {
            return .refused([
                "there is no file to read: TALLYD_ENVIRONMENT_FILE is not set; set it, and restart the daemon"
            ])
        }
        let old = live.current
        do throws(SettingsError) {
            let new = try origin.read()
            // Files that are read at a start alone are looked at where they are to be others.
            if new.webhooks.client.files == old.webhooks.client.files {
                try new.checkPrograms()
            } else {
                try new.checkNeeds()
            }
            let plan = ReloadPlan(from: old.listing, to: new.listing, live: SettingsTable.live)
            if !plan.applied.isEmpty { live.replace(with: old.takingLive(of: new)) }
            return .applied(plan)
        } catch {
            return .refused(error.problems)
        }
    }

    private static func list(_ changes: [ReloadPlan.Change]) -> String {
        changes.isEmpty ? "none" : changes.map(\.description).joined(separator: ", ")
    }
}
