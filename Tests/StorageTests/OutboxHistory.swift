import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing
import Webhooks

/// One history of the outbox: a gateway, operators, a daemon that is cut in the middle of any statement, and workers that come too late; beside it plain
/// dictionaries that know what ought to be queued.
final class OutboxHistory {
    let seed: UInt64
    var random: SplitMix64
    let sample: SampleDatabase
    let fuse = Fuse()
    var log: [String] = []
    var now = SampleDatabase.outboxNow

    // What ought to be there.
    var endpoints: [String: Endpoint] = [:]
    /// Of an id, whether or not it has an endpoint now.
    var standings: [String: String] = [:]
    var ordered: Set<String> = []
    var events: [Int64: Event] = [:]
    var deliveries: [Key: Delivery] = [:]
    var cursor: Int64 = 0

    // The process.
    var outbox: Outbox
    var held: [ClaimedDelivery] = []
    /// Of processes that are gone, whose workers are not.
    var late: [ClaimedDelivery] = []

    enum Wants: CaseIterable { case all, exact, group, nothing, broken }

    struct Endpoint {
        var user: String
        var wants: Wants
        var isURLFine: Bool
        var isActive: Bool
    }

    struct Event {
        var user: String?
        /// Nil: it can be told to nobody.
        var type: String?
        /// The endpoint that it is about, and that is not told of it.
        var subject: String?
    }

    struct Key: Hashable {
        var event: Int64
        var endpoint: String?
    }

    struct Delivery: Equatable {
        var id: Int64
        var state: String
        var attempt = 0
        var retry = 0
        var claim: Int64?
    }

    struct Stored {
        var delivery: Delivery
        var next: Int64?
    }

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix64(seed: seed)
        sample = try SampleDatabase()
        outbox = Outbox(store: try sample.store())
    }

    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }

    func run() async throws {
        try await restart()
        for _ in 0..<pick(8...38) {
            now = Instant(milliseconds: now.milliseconds + Int64(chance(5) ? -pick(1...5_000) : pick(0...400)))
            switch pick(1...20) {
            case 1...6: try insertEvents()
            case 7...8: try changeEndpoint()
            case 9...16: try await write()
            case 17: try await replay()
            case 18: try await judge()
            case 19: try await test()
            default: try await restart()
            }
        }
        try await restart()
        while try await outbox.look().hasEvents { try await write(isWhole: true) }
        try await restart()
        try check()
    }

    // MARK: The gateway

    static let types = ["usage.a", "usage.b.c", "other", "usage"]

    func insertEvents() throws {
        for _ in 0..<pick(1...4) {
            let user = ["u", "v", "op", nil].randomElement(using: &random) ?? nil
            let type = Self.types.randomElement(using: &random) ?? "other"
            let isOdd = chance(20)
            let seq: Int64
            if isOdd {
                switch pick(1...6) {
                case 1: seq = try sample.event(type, of: user, id: "a.\(random.next())")
                case 2: seq = try sample.event("\(type)..x", of: user)
                case 3: seq = try sample.event(type, of: user, payload: "{")
                case 4: seq = try sample.event(type, of: user, payload: Data("{}".utf8))
                case 5: seq = try sample.event(type, of: user, payload: "")
                default: seq = try sample.event(type, of: Data("u".utf8))
                }
            } else {
                seq = try sample.event(type, of: user)
            }
            events[seq] = Event(user: user, type: isOdd ? nil : type)
        }
        log.append("events to \(events.count)")
    }

    func changeEndpoint() throws {
        let id = "e\(pick(0...5))"
        if endpoints[id] != nil, chance(25) {
            try sample.execute("DELETE FROM webhooks WHERE id = ?", [id])
            endpoints[id] = nil
            log.append("\(id) deleted")
            return
        }
        let endpoint = Endpoint(
            user: ["u", "v", "op"].randomElement(using: &random) ?? "u",
            wants: Wants.allCases.randomElement(using: &random) ?? .all, isURLFine: chance(85), isActive: chance(85))
        let filter =
            switch endpoint.wants {
            case .all: #"["*"]"#
            case .exact: #"["other","usage.a"]"#
            case .group: #"["usage.*"]"#
            case .nothing: "[]"
            case .broken: "usage.*"
            }
        let active: [any DatabaseValueConvertible] = endpoint.isActive ? [true, 1, "true"] : [false, 0, "false"]
        try sample.execute(
            "INSERT OR REPLACE INTO webhooks (id, user_id, url, events, is_active) VALUES (?, ?, ?, ?, ?)",
            [
                id, endpoint.user, endpoint.isURLFine ? "https://example.org/\(id)" : "", filter,
                active.randomElement(using: &random),
            ])
        endpoints[id] = endpoint
        log.append("\(id) is \(endpoint)")
    }

    func fail(_ text: String) {
        Issue.record("seed \(seed): \(text)\n  \(log.suffix(30).joined(separator: "\n  "))")
    }
}
