import Foundation

/// SIGTERM and SIGINT as something to wait for. They stay blocked, so no statement is cut short by one, and the sleep until the
/// next request is at the same time the wait for them: a stop needs no handler and takes effect at once.
struct StopSignal {
    private var signals = sigset_t()

    /// Call before any other thread starts: a new thread inherits what is blocked.
    init() {
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        sigprocmask(SIG_BLOCK, &signals, nil)
    }

    /// Sleeps for this long, not at all when it is zero or less; true as soon as a stop was asked for.
    func arrives(within duration: Duration) -> Bool {
        let (seconds, attoseconds) = max(duration, .zero).components
        var timeout = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var signals = signals
        return sigtimedwait(&signals, nil, &timeout) > 0
    }
}
