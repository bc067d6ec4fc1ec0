import Synchronization
package import Webhooks

/// The system's resolver, getaddrinfo(3), which blocks for as long as its name servers let it: 5 s a try and server by
/// default (resolv.conf(5)). So it runs on threads of its own, one a lookup, as many as `mostThreads` at once.
///
/// Names that took long the last time share half of the threads: a thousand of them wait for each other, and a name that
/// is answered at once finds a thread.
package final class SystemResolver: HostResolving {
    private struct Job {
        let name: String
        let number: UInt64
        let continuation: CheckedContinuation<Result<[IPAddress], ResolveFailure>, Never>
    }

    private struct State {
        var number: UInt64 = 0
        var running = 0
        var slowRunning = 0
        var waiting: [Job] = []
        var slow: Set<String> = []

        mutating func ended(isSlow: Bool) {
            running -= 1
            slowRunning -= isSlow ? 1 : 0
        }
    }

    private let state = Mutex(State())
    private let mostThreads: Int
    private let lookup: @Sendable (String) -> Result<[IPAddress], ResolveFailure>
    private let startThread: @Sendable (@escaping @Sendable () -> Void) -> Bool

    private static let slowness: Duration = .seconds(1)
    private static let mostSlow = 4_096
    /// Enough for glibc's resolver, which keeps answers of up to 64 KiB on the stack.
    private static let stackSize = 512 * 1_024

    /// - Parameter mostThreads: of the 128 tasks that the unit allows, half.
    package convenience init(mostThreads: Int = 64) {
        self.init(mostThreads: mostThreads, lookup: AddressLookup.run)
    }

    /// - Parameter startThread: false where there is no room for another thread.
    init(
        mostThreads: Int,
        startThread: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool = {
            DetachedThread.start(stackSize: SystemResolver.stackSize, $0)
        }, lookup: @escaping @Sendable (String) -> Result<[IPAddress], ResolveFailure>
    ) {
        self.mostThreads = max(mostThreads, 2)
        self.startThread = startThread
        self.lookup = lookup
    }

    /// Cancelling calls off what still waits for a thread.
    package func addresses(of name: String) async throws(ResolveFailure) -> [IPAddress] {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.waiting.append(Job(name: name, number: number, continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume(returning: .failure(.cancelled)) } else { startNext() }
            }
        } onCancel: {
            let job = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
            }
            job?.continuation.resume(returning: .failure(.cancelled))
        }
        return try answer.get()
    }

    private func startNext() {
        let job = state.withLock { state -> (Job, isSlow: Bool)? in
            guard state.running < mostThreads else { return nil }
            let hasRoomForSlow = state.slowRunning < mostThreads / 2
            guard let index = state.waiting.firstIndex(where: { hasRoomForSlow || !state.slow.contains($0.name) })
            else { return nil }
            let job = state.waiting.remove(at: index)
            let isSlow = state.slow.contains(job.name)
            state.running += 1
            state.slowRunning += isSlow ? 1 : 0
            return (job, isSlow)
        }
        guard let (job, isSlow) = job else { return }
        let isStarted = startThread { [self] in
            let start = ContinuousClock.now
            let answer = lookup(job.name)
            let tookLong = ContinuousClock.now - start >= Self.slowness
            state.withLock { state in
                state.ended(isSlow: isSlow)
                if !tookLong {
                    state.slow.remove(job.name)
                } else if state.slow.count < Self.mostSlow {
                    state.slow.insert(job.name)
                }
            }
            job.continuation.resume(returning: answer)
            startNext()
        }
        guard !isStarted else { return }
        let isAlone = state.withLock { state in
            state.ended(isSlow: isSlow)
            // The next one that ends makes room for it.
            if state.running > 0 { state.waiting.insert(job, at: 0) }
            return state.running == 0
        }
        guard isAlone else { return }
        job.continuation.resume(returning: .failure(.failed("there is no room for a thread that asks for it")))
        startNext()
    }
}
