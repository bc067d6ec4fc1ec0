import Foundation
import Synchronization

/// Keeps a child's id from being used after the kernel may have given it to another process.
final class Guardian: Sendable {
    private let process: pid_t
    private let isReaped = Mutex(false)

    init(_ process: pid_t) {
        self.process = process
    }

    /// Does nothing once the process is over.
    func send(_ signal: Int32) {
        isReaped.withLock { isReaped in
            if !isReaped { kill(process, signal) }
        }
    }

    /// Blocks until the process is over.
    func awaitEnd() -> Child.Ending {
        // WNOWAIT leaves the id in use, so that nothing blocks while the lock is held.
        var information = siginfo_t()
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        var status: Int32 = 0
        isReaped.withLock { isReaped in
            waitpid(process, &status, 0)
            isReaped = true
        }
        // wait(2): the low seven bits are the signal, 0 where there was none; the next byte is the exit status.
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
    }
}
