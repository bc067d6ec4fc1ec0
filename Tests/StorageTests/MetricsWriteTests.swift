import Foundation
import GRDB
import Scheduling
import Testing

@testable import Storage

@Suite struct MetricsWriteTests {
    private static let time = Instant(milliseconds: 1_795_561_385_678)  // 2026-11-24T23:03:05.678Z

    private static func row(_ name: String, _ value: Double = 1, _ tags: [String: String] = [:]) -> MetricRow {
        MetricRow(name: name, value: value, unit: "1", tags: tags)
    }

    @Test func `a row is stored as the contract has it, with its tags in order`() async throws {
        let sample = try SampleDatabase()
        let rows = [
            Self.row("b", 0.25, ["z": "1", "a": "quo\"te/ü"]), MetricRow(name: "a", value: 3, unit: "By", tags: [:]),
        ]
        let write = MetricsStore.writing(rows, at: Self.time)
        #expect(write.rows == 2)
        try await write.perform(in: try sample.store())
        let stored = try sample.rows(
            """
            SELECT metric_name, metric_value, metric_unit, tags, timestamp, typeof(metric_value)
            FROM system_metrics
            WHERE metric_name IN ('a', 'b')
            ORDER BY metric_name
            """)
        let expected: [[DatabaseValue]] = [
            [
                "a".databaseValue, 3.0.databaseValue, "By".databaseValue, .null,
                "2026-11-24 23:03:05".databaseValue, "real".databaseValue,
            ],
            [
                "b".databaseValue, 0.25.databaseValue, "1".databaseValue,
                #"{"a":"quo\"te/ü","z":"1"}"#.databaseValue, "2026-11-24 23:03:05".databaseValue,
                "real".databaseValue,
            ],
        ]
        #expect(stored == expected)
    }

    @Test func `what is no number is left out and spoils nothing`() async throws {
        let sample = try SampleDatabase()
        let write = MetricsStore.writing(
            [Self.row("a", .nan), Self.row("b", .infinity), Self.row("c", 2)], at: Self.time)
        #expect(write.rows == 1)
        try await write.perform(in: try sample.store())
        #expect(try sample.value("SELECT metric_name FROM system_metrics WHERE id NOT LIKE 'dev%'") == "c")
    }

    @Test func `a write without rows writes nothing`() async throws {
        let sample = try SampleDatabase()
        let before: Int? = try sample.value("SELECT COUNT(*) FROM system_metrics")
        try await MetricsStore.writing([], at: Self.time).perform(in: try sample.store())
        #expect(try sample.value("SELECT COUNT(*) FROM system_metrics") == before)
    }

    @Test func `a write can be carried out again after a rollback`() async throws {
        let sample = try SampleDatabase()
        let write = MetricsStore.writing([Self.row("a"), Self.row("b")], at: Self.time)
        let store = try sample.store()
        struct Refused: Error {}
        await #expect(throws: Refused.self) {
            try await store.writer.write("try") { db, _ in
                try write.body(db)
                throw Refused()
            }
        }
        try await write.perform(in: store)
        #expect(try sample.value("SELECT COUNT(*) FROM system_metrics WHERE metric_name IN ('a', 'b')") == 2)
    }

    @Test func `ids rise with the time and within a write, and are sixteen characters`() {
        var last = ""
        for milliseconds in [0, 1, 31, 32, 1_023, 1_795_561_385_678, 1_795_561_385_679, 30_000_000_000_000] as [Int64] {
            let ids = MetricID(at: Instant(milliseconds: milliseconds), salt: milliseconds % 2 == 0 ? 1_048_575 : 0)
            for row in [0, 1, 31, 32, 1_000, MetricID.mostRows - 1] {
                #expect(ids[row].utf8.count == 16)
                #expect(ids[row] > last)
                last = ids[row]
            }
        }
    }

    @Test func `writes of the same millisecond differ by their salt`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        for salt in [0, 1] as [UInt32] {
            try await MetricsStore.writing([Self.row("a")], at: Self.time, salt: salt).perform(in: store)
        }
        #expect(try sample.value("SELECT COUNT(DISTINCT id) FROM system_metrics WHERE metric_name = 'a'") == 2)
    }

    @Test func `warming reads by the index and changes nothing`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        let rows = (0..<20).map { Self.row("name \($0 % 5)") }
        try await MetricsStore.writing(rows, at: Self.time).perform(in: store)
        let before: Int? = try sample.value("PRAGMA data_version")
        try await MetricsStore(store: store).warm(rows)
        #expect(try sample.value("PRAGMA data_version") == before)
    }
}
