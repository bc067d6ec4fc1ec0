import Foundation
import GRDB
import Logging
import Scheduling
import Synchronization
import TestSupport
import Testing
import Webhooks

@testable import Daemon
@testable import Storage

/// The delivering service on a database of its own, with real endpoints on loopback.
final class DeliveringDaemon: Sendable {
    let folder: ScratchFolder
    let store: Store
    let outbox: Outbox
    private let settings: Mutex<WebhookSettings>

    init(_ change: (inout WebhookSettings) -> Void = { _ in }) async throws {
        folder = try ScratchFolder(for: "webhooks")
        store = try Store.creating(path: folder.path())
        _ = try await Migrator(store: store).migrate { _ in }
        outbox = Outbox(store: store)
        var settings = try Settings(
            environment: [
                "TALLYD_DATABASE": store.path, "TALLYD_WEBHOOK_ALLOW": "127.0.0.1/32",
                "TALLYD_WEBHOOK_ALLOW_HTTP": "on", "TALLYD_WEBHOOK_RETRIES": "100ms 100ms",
            ]
        ).webhooks
        change(&settings)
        self.settings = Mutex(settings)
    }

    func execute(_ sql: String, _ arguments: [(any Sendable & CustomStringConvertible)?] = []) async throws {
        let texts = arguments.map { $0?.description }
        try await store.writer.write("prepare") { db, _ in
            try db.execute(sql: sql, arguments: StatementArguments(texts))
        }
    }

    func add(
        _ id: String, user: String = "ann", url: String, events: String = #"["*"]"#, secret: String? = nil
    ) async throws {
        try await execute(
            "INSERT INTO webhooks (id, user_id, url, events, secret) VALUES (?, ?, ?, ?, ?)",
            [id, user, url, events, secret])
    }

    /// Has an endpoint have one message at a time, or no longer.
    func keepOrder(_ isOrdered: Bool, of endpoint: String) async throws {
        var wishes = Outbox.Wishes()
        wishes.isOrdered = isOrdered
        #expect(try await outbox.setWishes(wishes, of: endpoint))
    }

    @discardableResult
    func send(_ type: String = "usage.recorded", _ payload: String = "{}", user: String? = "ann") async throws -> String
    {
        try await outbox.send(
            type: EventType(type), payload: payload, user: user, now: Self.now())
    }

    func deliveries() async throws -> [OutboxReport.Delivery] {
        try await OutboxReport(store: store).deliveries(.init(), limit: 100_000).reversed()
    }

    func attempts() async throws -> [OutboxReport.Attempt] {
        try await OutboxReport(store: store).attempts(.init(), limit: 100_000).reversed()
    }

    func endpoint(_ id: String) async throws -> EndpointRecord? {
        try await OutboxReport(store: store).endpoints().first { $0.id == id }?.record
    }

    static func now() -> Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }

    func service(term: Term? = nil, longestWait: Duration = .seconds(1)) throws -> WebhookDelivery {
        let clock = ContinuousClock()
        let start = clock.now
        return try WebhookDelivery(
            WebhookDelivery.Parts(
                store: store, term: term, settings: { [self] in settings.withLock { $0 } },
                longestWait: { longestWait }, now: Self.now, monotonic: { clock.now - start },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, standing: {},
                beats: (writing: {}, atLeisure: {}, sending: {})))
    }

    /// Runs it beside the work, and stops it as the daemon does.
    func run<T: Sendable>(
        longestWait: Duration = .seconds(1), _ work: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        let service = try service(longestWait: longestWait)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            defer { group.cancelAll() }
            return try await work()
        }
    }

    /// Waits for it, up to 20 seconds.
    func until(
        _ what: String, _ location: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
    ) async throws {
        for _ in 0..<2_000 {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("never came: \(what)", sourceLocation: location)
    }

    /// Until each delivery that there is has ended.
    func settled(_ count: Int, _ location: SourceLocation = #_sourceLocation) async throws {
        try await until("\(count) settled deliveries", location) {
            try await deliveries().count(where: { $0.settledAt != nil }) >= count
        }
    }
}
