import Foundation
import Webhooks

@testable import WebhookClient

/// Holds whoever comes until it is opened: threads and tasks.
final class Gate: @unchecked Sendable {
    // NSCondition locks `isOpen`, `waiting` and `arrivals`; the compiler cannot see it.
    private let condition = NSCondition()
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var arrivals: [CheckedContinuation<Void, Never>] = []
    private var hasArrived = false

    func open() {
        condition.withLock {
            isOpen = true
            condition.broadcast()
            let tasks = waiting
            waiting = []
            return tasks
        }.forEach { $0.resume() }
    }

    func close() {
        condition.withLock { isOpen = false }
    }

    /// Blocks the thread.
    func block() {
        arrive()
        condition.withLock {
            while !isOpen { condition.wait() }
        }
    }

    func pass() async {
        arrive()
        await withCheckedContinuation { continuation in
            let isFree = condition.withLock {
                if !isOpen { waiting.append(continuation) }
                return isOpen
            }
            if isFree { continuation.resume() }
        }
    }

    /// Until somebody stands before it.
    func waitForArrival() async {
        await withCheckedContinuation { continuation in
            let isLate = condition.withLock {
                if !hasArrived { arrivals.append(continuation) }
                return hasArrived
            }
            if isLate { continuation.resume() }
        }
    }

    private func arrive() {
        condition.withLock {
            hasArrived = true
            let tasks = arrivals
            arrivals = []
            return tasks
        }.forEach { $0.resume() }
    }
}

struct GatedResolver: HostResolving {
    let gate: Gate

    func addresses(of name: String) async throws(ResolveFailure) -> [IPAddress] {
        await gate.pass()
        return [.v4(0x7F00_0001)]
    }
}
