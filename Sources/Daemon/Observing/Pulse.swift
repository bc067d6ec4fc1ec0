import Foundation
import Logging
import Systemd

/// The sign of life of the whole process: every loop's heartbeat, and the thread that tells the manager while all of them beat.
struct Pulse: Sendable {
    /// How long a loop may be silent at most, where no manager says so: as with WatchdogSec=60.
    private static let defaultWindow = Duration.seconds(60)

    private let heartbeats: Heartbeats
    private let window: Duration
    private let pinger: WatchdogPinger?
    private let monotonic: @Sendable () -> Duration

    init(_ outside: Daemon.Surroundings) {
        let watchdog = Watchdog(environment: outside.environment, processID: getpid())
        let heartbeats = Heartbeats(monotonic: outside.monotonic)
        self.heartbeats = heartbeats
        monotonic = outside.monotonic
        window = watchdog?.window ?? Self.defaultWindow
        pinger = watchdog.map {
            WatchdogPinger(
                watchdog: $0, heartbeats: heartbeats, notifier: outside.notifier, logger: outside.logger,
                monotonic: outside.monotonic, lateFields: ["message_id": "\(MessageID.loopLate)"])
        }
    }

    /// The longest that a loop may wait which beats now: until the next multiple of a third of what is allowed.
    ///
    /// A multiple, and not that time from now on: loops that have nothing to do then wake at the same moment, and a process at rest once for all of
    /// them and not once for each.
    func longestWait() -> Duration { monotonic().untilNextMultiple(of: window / 6) }

    func register(_ loop: String) -> Heartbeat { heartbeats.register(loop, allowedAge: window / 2) }

    /// Whether every loop made progress in time.
    func isWell() -> Bool {
        let verdict = Liveness(loops: heartbeats.snapshot(), poolWaitingSince: nil, poolAllowed: window).verdict(
            now: monotonic())
        return verdict == .ping
    }

    /// For how long the loop that has been silent longest was; nil while there is none.
    func longestSilence() -> Duration? {
        heartbeats.snapshot().map(\.lastBeat).min().map { monotonic() - $0 }
    }

    func start() throws { try pinger?.start() }
    func stop() { pinger?.stop() }
}
