import NIOCore
import Synchronization
import Webhooks

/// One lookup a name at a time, for all that wait for it; its answer stands for a moment.
///
/// Those that wait leave when they are cancelled, whatever the resolver does: a deadline holds also where the resolver
/// knows none.
final class ResolvedNames: Sendable {
    typealias Answer = Result<[IPAddress], ResolveFailure>

    private struct Lookup {
        var waiting: [UInt64: CheckedContinuation<Answer, Never>] = [:]
        var task: Task<Void, Never>?
    }

    private enum Entry {
        case underWay(Lookup)
        case known(Answer, until: ContinuousClock.Instant)
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var number: UInt64 = 0
    }

    private let state = Mutex(State())
    private let resolver: any HostResolving
    private let validity: Duration

    /// Answers beyond this are forgotten as soon as they are old, so that names which come and go leave nothing behind.
    private static let mostKnown = 1_024

    init(_ resolver: any HostResolving, validity: Duration) {
        self.resolver = resolver
        self.validity = validity
    }

    /// Nil where the deadline comes first, or the task is cancelled.
    func addresses(of name: String, until deadline: NIODeadline) async -> Answer? {
        await withTaskGroup(of: Answer?.self) { group in
            group.addTask { await self.addresses(of: name) }
            group.addTask {
                try? await Task.sleep(for: Duration(deadline - .now()))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// Nil where it was not resolved a moment ago.
    func known(_ name: String) -> Answer? {
        state.withLock { state in
            guard case .known(let answer, let until) = state.entries[name], ContinuousClock.now < until else {
                return nil
            }
            return answer
        }
    }

    /// `.cancelled` where the task is.
    func addresses(of name: String) async -> Answer {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { wait(for: name, number, $0) }
        } onCancel: {
            leave(name, number)
        }
    }

    private func wait(for name: String, _ number: UInt64, _ continuation: CheckedContinuation<Answer, Never>) {
        let answer: Answer? = state.withLock { state in
            // Under the lock: `leave` either comes later and finds the continuation, or came before and is seen here.
            if Task.isCancelled { return .failure(.cancelled) }
            var lookup = Lookup()
            switch state.entries[name] {
            case .known(let answer, let until) where ContinuousClock.now < until: return answer
            case .underWay(let present): lookup = present
            default: lookup.task = start(name)
            }
            lookup.waiting[number] = continuation
            state.entries[name] = .underWay(lookup)
            return nil
        }
        if let answer { continuation.resume(returning: answer) }
    }

    private func start(_ name: String) -> Task<Void, Never> {
        Task.detached { [self] in
            do throws(ResolveFailure) {
                finish(name, .success(try await resolver.addresses(of: name)))
            } catch {
                finish(name, .failure(error))
            }
        }
    }

    private func finish(_ name: String, _ answer: Answer) {
        let waiting = state.withLock { state -> [CheckedContinuation<Answer, Never>] in
            guard case .underWay(var lookup) = state.entries[name] else { return [] }
            if answer == .failure(.cancelled) {
                // Nobody waited any more when it was called off; who came since gets a lookup of their own.
                lookup.task = lookup.waiting.isEmpty ? nil : start(name)
                state.entries[name] = lookup.waiting.isEmpty ? nil : .underWay(lookup)
                return []
            }
            let now = ContinuousClock.now
            state.entries[name] = .known(answer, until: now.advanced(by: validity))
            if state.entries.count > Self.mostKnown {
                state.entries = state.entries.filter { _, entry in
                    if case .known(_, let until) = entry { until > now } else { true }
                }
            }
            return Array(lookup.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: answer) }
    }

    private func leave(_ name: String, _ number: UInt64) {
        let (continuation, task) = state.withLock {
            state -> (CheckedContinuation<Answer, Never>?, Task<Void, Never>?) in
            guard case .underWay(var lookup) = state.entries[name],
                let continuation = lookup.waiting.removeValue(forKey: number)
            else { return (nil, nil) }
            state.entries[name] = .underWay(lookup)
            return (continuation, lookup.waiting.isEmpty ? lookup.task : nil)
        }
        continuation?.resume(returning: .failure(.cancelled))
        task?.cancel()
    }
}
