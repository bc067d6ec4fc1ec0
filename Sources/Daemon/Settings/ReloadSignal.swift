import ServiceLifecycle
import UnixSignals

/// Reloads at each SIGHUP, as daemons do by custom.
struct ReloadSignal: Service {
    let reload: Reload
    /// Called once, as soon as the signal is caught: before that it would end the process.
    let standing: @Sendable () -> Void

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        standing()
        for await _ in signals.cancelOnGracefulShutdown() {
            _ = await reload.perform()
        }
    }
}
