import CSystemd
import Glibc

/// The variables by which systemd speaks to one process and not to its children.
package enum ServiceEnvironment {
    /// Removes `NOTIFY_SOCKET`, `WATCHDOG_*` and `LISTEN_*` from the process, so that no child reports READY, pings or
    /// takes sockets in our name.
    ///
    /// Called once, first thing and before any other thread runs (changing the environment is not safe beside
    /// `getenv`), with the environment already copied: `SystemdNotifier` and `Watchdog` read from that copy. libsystemd
    /// does it, since it knows which variables its own version added, and it marks passed sockets close-on-exec.
    ///
    /// - Returns: the descriptors of the sockets that systemd passed to this process; empty when there are none.
    @discardableResult
    package static func unsetForChildren() -> Range<Int32> {
        let sockets = max(0, sd_listen_fds(1))
        _ = sd_watchdog_enabled(1, nil)
        unsetenv("NOTIFY_SOCKET")
        let first = Int32(SD_LISTEN_FDS_START)
        return first..<(first + sockets)
    }
}
