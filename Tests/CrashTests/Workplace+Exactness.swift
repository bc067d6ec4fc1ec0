import Foundation
import GRDB
import Testing

extension Workplace {
    /// Counts what is left, and fails the test unless the totals are exact: by `verify`, and by SQL of the test's own.
    /// For a database that nobody else writes any more.
    func expectExactTotals(_ sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let rest = try await tallyd("rollup", "run")
        #expect(rest.status == 0, "\(rest.errors)", sourceLocation: sourceLocation)

        let verification = try await tallyd("rollup", "verify", "--json")
        #expect(
            verification.status == 0, "\(verification.output) \(verification.errors)", sourceLocation: sourceLocation)
        let report = try verification.json()
        #expect(report["clean"] as? Bool == true, sourceLocation: sourceLocation)
        #expect((report["drifts"] as? [Any])?.isEmpty == true, sourceLocation: sourceLocation)

        let (raw, counted) = try read { db in (try PlainSums.raw(db), try PlainSums.counted(db)) }
        let wrong = Set(raw.keys).union(counted.keys).filter { raw[$0] != counted[$0] }.sorted()
        let said = wrong.prefix(5).map { key in
            "\(key): usage_logs has \(raw[key].debugDescription), daily_usage_stats \(counted[key].debugDescription)"
        }
        #expect(
            wrong.isEmpty, "\(wrong.count) keys differ: \(said.joined(separator: "; "))", sourceLocation: sourceLocation
        )
        // Nothing would equal nothing, too.
        #expect(
            report["rows"] as? Int == raw.values.reduce(0) { $0 + Int($1.requests) }, sourceLocation: sourceLocation)
        #expect(!raw.isEmpty, sourceLocation: sourceLocation)
    }

    /// Stops a gateway that must still be running.
    func stop(_ gateway: Child, sourceLocation: SourceLocation = #_sourceLocation) async {
        gateway.send(SIGTERM)
        let ending = await gateway.ending(within: .seconds(20))
        #expect(ending == .exited(0), "\(gateway.errors)", sourceLocation: sourceLocation)
    }

    /// How far the rollup has counted: an id of usage_logs.
    func cursor() throws -> Int64 {
        try read { db in try Int64.fetchOne(db, sql: "SELECT cursor FROM rollup_state") } ?? 0
    }
}
