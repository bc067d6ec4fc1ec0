import Storage
import Synchronization
import WebhookClient

/// The attempts under way, and what came of those that have ended and were not taken in yet.
///
/// They have no task each: a thousand that hang are then a thousand small objects, and what ends together is taken in together.
final class Flights: Sendable {
    struct Landing: Sendable {
        let delivery: ClaimedDelivery
        let verdict: AttemptVerdict
    }

    /// What calls an attempt off.
    enum Brake: Sendable {
        case exchange(Exchange)
        /// A receiver is asked first.
        case consent(Task<Void, Never>)

        fileprivate func pull() {
            switch self {
            case .exchange(let exchange): exchange.cancel()
            case .consent(let task): task.cancel()
            }
        }
    }

    private struct State {
        /// By number; nil before there is anything to call off.
        var underWay: [UInt64: Brake?] = [:]
        var landings: [Landing] = []
        var number: UInt64 = 0
        var isCalledOff = false
    }

    private let state = Mutex(State())
    private let landed: @Sendable () -> Void

    /// - Parameter landed: called after each landing, by whichever thread has brought it.
    init(landed: @escaping @Sendable () -> Void) {
        self.landed = landed
    }

    /// One more is under way.
    ///
    /// - Returns: its number, which `land` takes back.
    func begin() -> UInt64 {
        state.withLock { state in
            state.number += 1
            state.underWay[state.number] = .some(nil)
            return state.number
        }
    }

    /// What calls the attempt off from now on, and does at once where all were called off.
    func set(_ brake: Brake?, of number: UInt64) {
        guard let brake else { return }
        let isCalledOff = state.withLock { state in
            // Else it has landed before its brake was known.
            guard state.underWay[number] != nil else { return false }
            state.underWay[number] = brake
            return state.isCalledOff
        }
        if isCalledOff { brake.pull() }
    }

    func land(_ number: UInt64, _ landing: Landing) {
        state.withLock { state in
            state.underWay[number] = nil
            state.landings.append(landing)
        }
        landed()
    }

    /// What has landed since the last call.
    func takeLandings() -> [Landing] {
        state.withLock { state in
            defer { state.landings.removeAll() }
            return state.landings
        }
    }

    var isAnyUnderWay: Bool { state.withLock { !$0.underWay.isEmpty } }

    /// All of them, and those that are begun later.
    func callOff() {
        let brakes = state.withLock { state in
            state.isCalledOff = true
            return state.underWay.values.compactMap(\.self)
        }
        for brake in brakes { brake.pull() }
    }
}
