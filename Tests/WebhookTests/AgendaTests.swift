import Scheduling
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `The agenda of endpoints` {
    private func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

    @Test func `what comes due is told once its time has come, and stays until it is set anew`() {
        var agenda = Agenda()
        agenda.set("a", to: at(10))
        agenda.set("b", to: at(20))
        #expect(agenda.next() == at(10))
        agenda.turn(to: at(10))
        #expect(agenda.due == ["a"])
        #expect(agenda.next() == at(20))
        // A clock that goes back.
        agenda.turn(to: at(5))
        #expect(agenda.due == ["a"])
        agenda.set("a", to: nil)
        #expect(agenda.due.isEmpty)
        #expect(agenda.instant(of: "a") == nil)
    }

    @Test func `at random, it is a list that is searched from end to end`() {
        var random = SplitMix64(for: "agenda")
        for _ in 0..<100 {
            var agenda = Agenda()
            var model: [String: Instant] = [:]
            var due: Set<String> = []
            var now: Int64 = 0
            for _ in 0..<300 {
                let endpoint = "\(Int.random(in: 0..<6, using: &random))"
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1:
                    let instant =
                        Int.random(in: 0..<4, using: &random) == 0
                        ? nil : at(now + .random(in: -50...50, using: &random))
                    if model[endpoint] != instant { due.remove(endpoint) }
                    model[endpoint] = instant
                    agenda.set(endpoint, to: instant)
                case 2: now += .random(in: -5...40, using: &random)
                default:
                    agenda.turn(to: at(now))
                    due.formUnion(model.filter { $0.value <= at(now) }.keys)
                }
                #expect(agenda.due == due)
                #expect(agenda.next() == model.filter { !due.contains($0.key) }.values.min())
                #expect(agenda.instant(of: endpoint) == model[endpoint])
            }
            #expect(agenda.entryCount <= 2 * 6 + 65)
        }
    }
}
