import Scheduling
import Storage
import TestSupport
import Testing

@testable import Daemon

@Suite struct `Outcomes that wait to be written` {
    private func outcome(
        _ id: Int64, _ endpoint: String, attempt: Int = 0, _ settlement: DeliveryOutcome.Settlement, bytes: Int = 0
    ) -> DeliveryOutcome {
        let response = AttemptRecord(
            startedAt: Instant(milliseconds: 0), duration: .zero, head: String(repeating: "h", count: bytes / 2),
            body: Array(repeating: 0x62, count: bytes - bytes / 2))
        return DeliveryOutcome(
            ClaimedDelivery(id: id, event: id, endpoint: endpoint, claim: 1, attempt: attempt, retry: 0), response,
            settlement)
    }

    @Test func `what arrived is written at once, and what failed at leisure, by its place in the tables`() {
        var unwritten = Unwritten()
        unwritten.append(outcome(3, "a", .dead(reason: "gone")))
        unwritten.append(outcome(1, "b", .delivered))
        unwritten.append(outcome(2, "c", .retry(at: Instant(milliseconds: 7))))
        unwritten.sortLeisurely()
        #expect(unwritten.prompt.map(\.delivery.id) == [1])
        #expect(unwritten.leisurely.map(\.delivery.id) == [2, 3])
        unwritten.hurry()
        #expect(unwritten.prompt.map(\.delivery.id) == [1, 2, 3])
        unwritten.append(outcome(4, "a", .dead(reason: "gone")))
        #expect(unwritten.prompt.count == 4 && unwritten.leisurely.isEmpty)
    }

    @Test func `at random, outcomes of one delivery are written in their order, each of them once`() {
        var random = SplitMix64(for: "unwritten")
        for _ in 0..<200 {
            var unwritten = Unwritten()
            var attempts: [Int64: Int] = [:]
            var written: [Int64: [Int]] = [:]
            var delivered: Set<Int64> = []
            var appended = 0
            func write(_ count: Int, atLeisure: Bool) {
                for outcome in unwritten.removeFirst(count, atLeisure: atLeisure) {
                    written[outcome.delivery.id, default: []].append(outcome.delivery.attempt)
                }
            }
            for _ in 0..<200 {
                switch Int.random(in: 0..<6, using: &random) {
                case 0: write(.random(in: 0...unwritten.prompt.count, using: &random), atLeisure: false)
                case 1:
                    unwritten.sortLeisurely()
                    write(.random(in: 0...unwritten.leisurely.count, using: &random), atLeisure: true)
                default:
                    let id = Int64.random(in: 0..<40, using: &random)
                    guard !delivered.contains(id) else { continue }
                    let attempt = attempts[id, default: 0]
                    attempts[id] = attempt + 1
                    let isDelivered = Int.random(in: 0..<4, using: &random) == 0
                    if isDelivered { delivered.insert(id) }
                    let settlement: DeliveryOutcome.Settlement = isDelivered ? .delivered : .keep
                    let bytes = Int.random(in: 0...20_000, using: &random)
                    unwritten.append(outcome(id, "\(id % 4)", attempt: attempt, settlement, bytes: bytes))
                    appended += 1
                }
                let leisurely = unwritten.leisurely.reduce(0) { $0 + $1.bytes }
                #expect(unwritten.leisurelyPlaces == leisurely / 16_384)
                #expect(unwritten.places == (leisurely + unwritten.prompt.reduce(0) { $0 + $1.bytes }) / 16_384)
            }
            unwritten.hurry()
            write(unwritten.prompt.count, atLeisure: false)
            #expect(unwritten.count == 0)
            #expect(written.values.reduce(0) { $0 + $1.count } == appended)
            for (id, order) in written { #expect(order == Array(0..<order.count), "\(id)") }
        }
    }

    @Test func `an endpoint's latest state is written after all earlier ones, and each notice once`() {
        func change(_ endpoint: String, _ failed: Int, _ notice: EndpointChange.Notice? = nil) -> EndpointChange {
            var record = EndpointRecord()
            record.health.failedAttempts = failed
            return EndpointChange(endpoint, record, notice)
        }
        func told(_ changes: [EndpointChange]) -> [String] {
            changes.map { "\($0.endpoint)\($0.record.health.failedAttempts)" }
        }
        var changes = UnwrittenChanges()
        changes.note(change("b", 1), isPrompt: false)
        changes.note(change("a", 1), isPrompt: false)
        changes.note(change("c", 1, .enabled), isPrompt: false)
        #expect(told(changes.all(atLeisure: true)) == ["c1", "a1", "b1"])
        // What a url is used for goes first, and takes the later states along.
        changes.note(change("a", 2), isPrompt: true)
        changes.note(change("a", 3), isPrompt: false)
        #expect(told(changes.all(atLeisure: true)) == ["c1", "b1"])
        #expect(told(changes.all(atLeisure: false)) == ["a3"])
        changes.remove(change("a", 2))
        #expect(changes.has("a"))
        changes.remove(change("a", 3))
        #expect(!changes.has("a"))
        changes.note(change("d", 1, .urlChanged), isPrompt: true)
        changes.hurry()
        #expect(changes.isEmpty(atLeisure: true))
        #expect(told(changes.all(atLeisure: false)) == ["d1", "c1", "b1"])
        changes.removeNotice(atLeisure: false)
        changes.forgetStates()
        #expect(told(changes.all(atLeisure: false)) == ["c1"])
    }
}
