import Glibc
import Synchronization

/// A thread of its own for work that may not wait for the cooperative pool: the watchdog judges that pool, and the
/// journal's writer waits in system calls.
final class DedicatedThread: Sendable {
    private let handle: Mutex<pthread_t?>

    /// - Parameters:
    ///   - name: shown by `top -H` and debuggers; the kernel keeps 15 bytes.
    ///   - body: runs once; the thread ends with it.
    /// - Throws: `ThreadFailure` when the system has no room for another thread.
    init(name: String, body: @escaping @Sendable () -> Void) throws(ThreadFailure) {
        let work = Unmanaged.passRetained(Work(name: name, body: body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, work.toOpaque())
        guard failure == 0 else {
            work.release()
            throw ThreadFailure(name: name, code: failure)
        }
        handle = Mutex(thread)
    }

    deinit {
        if let thread = handle.withLock({ $0 }) { pthread_detach(thread) }
    }

    /// Waits for the thread's end; the second call returns at once. Never called from the thread itself.
    func join() {
        let thread = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }

    private final class Work: Sendable {
        private let name: String
        private let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            showName()
            // SIGTERM and its like belong to the threads that wait for them. The signals of a crash stay open: blocked,
            // they would end the process without its backtrace.
            var masked = sigset_t()
            sigfillset(&masked)
            for crash in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGQUIT] {
                sigdelset(&masked, crash)
            }
            pthread_sigmask(SIG_BLOCK, &masked, nil)
            body()
        }

        /// For people only, so a process that may not see /proc goes without. (pthread_setname_np stands behind
        /// _GNU_SOURCE, which Swift's import of libc does not define.)
        private func showName() {
            let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { return }
            _ = write(file, name, name.utf8.count)
            close(file)
        }
    }
}
