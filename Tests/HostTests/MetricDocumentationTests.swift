import Testing

@testable import Host

@Suite struct MetricDocumentationTests {
    @Test func `every sample of a whole host is in the table, and every row of the table has a sample`() throws {
        let reading = try HostFolder.whole().read()
        let samples = HostDelta(from: reading, to: reading, elapsed: .seconds(60)).samples
        struct Shape: Hashable {
            var name: String
            var unit: String
            var tags: Set<String>
        }
        var emitted = Set(samples.map { Shape(name: $0.name, unit: $0.unit, tags: Set($0.tags.keys)) })
        let documented = Set(
            MetricSample.documentation.map { Shape(name: $0.name, unit: $0.unit, tags: Set($0.tags)) })
        // Nothing has grown between a reading and itself, so no mode of processor time has a share of it.
        #expect(!emitted.contains { $0.name == "system.cpu.utilization" })
        emitted.insert(Shape(name: "system.cpu.utilization", unit: "1", tags: ["cpu.mode"]))
        #expect(emitted.subtracting(documented).isEmpty)
        #expect(documented.subtracting(emitted).isEmpty)
    }

    @Test func `a series comes once`() throws {
        let reading = try HostFolder.whole().read()
        let samples = HostDelta(from: reading, to: reading, elapsed: .seconds(60)).samples
        let series = samples.map { sample in
            sample.name + sample.tags.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        }
        #expect(Set(series).count == series.count)
    }

    @Test func `names are unique, units are known and meanings are sentences`() {
        let table = MetricSample.documentation
        #expect(Set(table.map(\.name)).count == table.count)
        for metric in table {
            #expect(metric.name.wholeMatch(of: /(system|process)(\.[a-z0-9_]+)+/) != nil, "\(metric.name)")
            #expect(metric.unit.wholeMatch(of: /s|By|1|\{[a-z_]+\}/) != nil, "\(metric.unit)")
            #expect(metric.meaning.hasSuffix("."))
            #expect(!metric.source.isEmpty)
            #expect(metric.name.hasSuffix("utilization") ? metric.unit == "1" : true)
        }
    }
}
