import TestSupport
import Testing

/// The three ways in which a gateway's database comes to be, each with the gateway's rows in it.
enum ContractDatabase: String, CaseIterable, CustomTestStringConvertible {
    case released = "at 1.0.0"
    case migrated = "migrated"
    case whole = "made by schema.sql"

    var testDescription: String { rawValue }
    var version: String { self == .released ? "1.0.0" : "1.7.0" }

    func make(in scratch: ScratchFolder) async throws -> String {
        let text = try SQLScript(self == .whole ? "schema.sql" : SQLScript.numbered[0]).text
        let path = try scratch.make(text, GatewayRows.insert)
        if self == .migrated { try await migrate(path) }
        return path
    }
}
