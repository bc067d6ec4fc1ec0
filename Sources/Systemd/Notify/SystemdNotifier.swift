import Glibc
package import Logging
import Synchronization

/// Speaks sd_notify(3)'s protocol to the socket that `NOTIFY_SOCKET` named at the start.
///
/// libsystemd's `sd_notify` looks the variable up on every call, so it falls silent once the variable is unset, and
/// setting it again around a call races every `getenv` of other threads (name lookups and time zones do that inside
/// libc). The protocol is one datagram and its manual page invites own implementations, so the address is kept here and
/// the variable can go.
package final class SystemdNotifier: ServiceNotifier {
    private let address: UnixAddress
    private let socket: DatagramSocket
    private let logger: Logger
    private let lastFailure = Mutex<Int32>(0)

    /// - Parameters:
    ///   - environment: read for `NOTIFY_SOCKET`, now and never again.
    ///   - logger: gets a warning when the manager cannot be told, once for each cause in a row.
    /// - Returns: nil when the variable is unset, or when its address is of a kind that cannot be served (which is
    ///   logged).
    package init?(environment: [String: String], logger: Logger) {
        guard let text = environment["NOTIFY_SOCKET"], !text.isEmpty else { return nil }
        // The manager is process 1 and may be busy; without a limit, a manager that hangs would hang the watchdog's
        // thread and whoever reports READY.
        guard let address = UnixAddress(text), let socket = DatagramSocket(patience: .atMost(.seconds(1))) else {
            logger.warning(
                "no service manager can be told: NOTIFY_SOCKET has to be an absolute path or an @name below 108 bytes",
                metadata: ["notify_socket": "\(text)"])
            return nil
        }
        self.address = address
        self.socket = socket
        self.logger = logger
    }

    /// Sends one datagram, and waits at most a second for a busy manager.
    package func notify(_ states: [ServiceState]) {
        guard !states.isEmpty else { return }
        let failure = socket.send(Array(states.map(\.message).joined(separator: "\n").utf8), to: address)
        let changed = lastFailure.withLock { last in
            defer { last = failure }
            return last != failure
        }
        guard changed, failure != 0 else { return }
        logger.warning(
            "the service manager was not told",
            metadata: [
                "notify_socket": "\(address)",
                "states": "\(states.map(\.message).joined(separator: " "))",
                "cause": "\(String(cString: strerror(failure)))",
            ])
    }

    /// The notifier that fits the process: systemd's where `NOTIFY_SOCKET` is set, else a silent one.
    package static func detect(environment: [String: String], logger: Logger) -> any ServiceNotifier {
        SystemdNotifier(environment: environment, logger: logger) ?? SilentNotifier()
    }
}
