import Synchronization
import Webhooks

@testable import WebhookClient

/// A resolver that says what a test wants, the n-th time it is asked for a name; or never says anything, deaf to
/// cancellation too.
final class FakeResolver: HostResolving {
    enum Answer: Sendable {
        case addresses([String])
        case failure(ResolveFailure)
        case never
    }

    private let answer: @Sendable (String, Int) -> Answer
    private let counts = Mutex<[String: Int]>([:])
    private let hung = Mutex<[CheckedContinuation<Void, Never>]>([])

    init(_ answer: @escaping @Sendable (String, Int) -> Answer) {
        self.answer = answer
    }

    /// Loopback for every name.
    static var loopback: FakeResolver { FakeResolver { _, _ in .addresses(["127.0.0.1"]) } }

    var asked: [String: Int] { counts.withLock { $0 } }

    func addresses(of name: String) async throws(ResolveFailure) -> [IPAddress] {
        let count = counts.withLock { counts in
            counts[name, default: 0] += 1
            return counts[name, default: 0] - 1
        }
        switch answer(name, count) {
        case .addresses(let texts): return texts.compactMap { IPAddress($0) }
        case .failure(let failure): throw failure
        case .never:
            await withCheckedContinuation { continuation in hung.withLock { $0.append(continuation) } }
            throw .temporary
        }
    }

    deinit {
        for continuation in hung.withLock({ $0 }) { continuation.resume() }
    }
}
