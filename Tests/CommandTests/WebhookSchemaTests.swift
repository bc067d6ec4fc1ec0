import Foundation
import GRDB
import Scheduling
import Testing

@testable import Storage
@testable import tallyd

/// What deploy/webhook-events promises to receivers, held against what is written.
@Suite struct WebhookSchemaTests {
    private struct Schema: Decodable {
        struct Property: Decodable {
            let type: String
        }

        let title: String
        let properties: [String: Property]
        let required: Set<String>
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../deploy/webhook-events")

    private static func schema(_ type: String) throws -> Schema {
        try JSONDecoder().decode(Schema.self, from: Data(contentsOf: folder.appending(path: "\(type).json")))
    }

    /// Each kind with all that it may have, and with as little.
    private static let samples: [OwnEvent] = [
        .daySealed(day: "2026-11-20", DayTotal()),
        .purged(table: "usage_logs", day: "2026-11-20", rows: 1, run: "r"),
        .purged(table: "messages", day: nil, rows: 1, run: "r"), .driftFound(day: "2026-11-20", keys: 1),
        .endpointDisabled(endpoint: "w1", cause: "gone", user: "acme"),
    ]

    /// Payloads as they are written, by type.
    private func written() throws -> [String: [[String: Any]]] {
        let queue = try DatabaseQueue()
        let rows = try queue.write { db in
            try db.execute(sql: "CREATE TABLE webhook_events (user_id, event_type, payload, created_at)")
            for sample in Self.samples { try sample.insert(db, now: Instant(milliseconds: 0)) }
            return try Row.fetchAll(db, sql: "SELECT event_type, payload FROM webhook_events")
        }
        var payloads: [String: [[String: Any]]] = [:]
        for row in rows {
            let object = try JSONSerialization.jsonObject(with: Data((row[1] as String).utf8))
            payloads[row[0], default: []].append(try #require(object as? [String: Any]))
        }
        return payloads
    }

    @Test func `a schema names exactly the fields that are written, and requires none that may be missing`() throws {
        let written = try written()
        #expect(Set(written.keys) == Set(OwnEvent.types))
        for (type, payloads) in written {
            let schema = try Self.schema(type)
            #expect(schema.title == type)
            let fields = payloads.map { Set($0.keys) }
            #expect(Set(schema.properties.keys) == fields.reduce([]) { $0.union($1) }, "\(type)")
            #expect(fields.allSatisfy { schema.required.isSubset(of: $0) }, "\(type)")
            for payload in payloads {
                for (name, value) in payload {
                    let expected = value is String ? "string" : "integer"
                    #expect(schema.properties[name]?.type == expected, "\(type) \(name)")
                }
            }
        }
    }

    @Test func `there is a schema for each of tallyd's events, and for no other`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(files) == Set((OwnEvent.types + ["webhook.test"]).map { "\($0).json" }))
    }

    @Test func `the schema of a test event names what the command sends`() async throws {
        let place = try await CommandPlace.filled()
        _ = try await place.json("webhooks", "test", "w1")
        let payload: String? = try place.value("SELECT payload FROM webhook_events WHERE event_type = 'webhook.test'")
        let object = try JSONSerialization.jsonObject(with: Data(try #require(payload).utf8)) as? [String: Any]
        #expect(try Self.schema("webhook.test").properties.keys.sorted() == object?.keys.sorted())
    }
}
