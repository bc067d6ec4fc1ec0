import Dispatch

/// Runs work that computes for long on a thread of its own. Swift's pool has one for each processor, and what sits on one of them keeps all other
/// tasks from it: events that wait to be delivered, heartbeats.
func apart<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global(qos: .utility).async { continuation.resume(with: Result { try work() }) }
    }
}
