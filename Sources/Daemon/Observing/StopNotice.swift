import ServiceLifecycle
import Systemd

/// Tells the manager STOPPING=1 the moment a stop is asked for.
struct StopNotice: Service {
    let notifier: any ServiceNotifier

    func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown {
                while !Task.isCancelled { try? await Task.sleep(for: .seconds(86_400)) }
            }
        } onGracefulShutdown: {
            notifier.notify([.stopping, .status("stopping: the bite in hand is committed")])
        }
    }
}
