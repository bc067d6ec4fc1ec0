import GRDB
import Storage
import TestSupport
import Testing

/// Sample rows go into development alone, production's settings into production alone.
@Suite struct `Migrator tests of environments` {
    private let scratch: ScratchFolder
    private let path: String

    init() throws {
        scratch = try ScratchFolder()
        path = scratch.path()
    }

    private struct Setup: Equatable {
        let environment: String?
        let samples: Int
        let isCareful: Bool
    }

    private func setup() throws -> Setup {
        try reading(path) { db in
            let samples = try ContractTables.columns.keys.filter {
                !["schema_metadata", "feature_flags", "model_pricing"].contains($0)
            }
            .reduce(0) { sum, table in
                sum
                    + (try Int.fetchOne(
                        db, sql: "SELECT COUNT(*) FROM \(table) WHERE \(ContractTables.names(table)[1]) LIKE '%'") ?? 0)
            }
            return Setup(
                environment: try String.fetchOne(
                    db, sql: "SELECT value FROM schema_metadata WHERE key = 'environment'"),
                samples: samples,
                isCareful: try Bool.fetchOne(
                    db, sql: "SELECT NOT is_enabled FROM feature_flags WHERE flag_name = 'detailed_errors'")
                    ?? false)
        }
    }

    @Test func `none is recorded where none was said`() async throws {
        try await migrate(path)
        #expect(try setup() == Setup(environment: nil, samples: 0, isCareful: false))
    }

    @Test func `development gets the sample rows, once`() async throws {
        try await migrate(path, environment: .development)
        let first = try setup()
        #expect(first.environment == "development" && first.samples > 20 && !first.isCareful)
        try await migrate(path, environment: .development)
        #expect(try setup() == first)
    }

    @Test func `production gets its setup, once, and no sample row`() async throws {
        try await migrate(path, environment: .production)
        #expect(try setup() == Setup(environment: "production", samples: 0, isCareful: true))
        try scratch.make("UPDATE feature_flags SET is_enabled = TRUE WHERE flag_name = 'detailed_errors'")
        try await migrate(path, environment: .production)
        #expect(
            try setup() == Setup(environment: "production", samples: 0, isCareful: false), "the operator's word stands")
    }

    @Test func `staging gets neither`() async throws {
        try await migrate(path, environment: .staging)
        #expect(try setup() == Setup(environment: "staging", samples: 0, isCareful: false))
    }

    @Test func `staging may become production`() async throws {
        try await migrate(path, environment: .staging)
        try await migrate(path, environment: .production)
        #expect(try setup() == Setup(environment: "production", samples: 0, isCareful: true))
    }

    @Test func `a status names the environment`() async throws {
        try await migrate(path, environment: .staging)
        #expect(try await Migrator(store: try Store(path: path)).status().environment == "staging")
    }

    @Test(arguments: [
        (DeploymentEnvironment.production, DeploymentEnvironment.development), (.staging, .development),
        (.development, .production),
        (.development, .staging),
    ])
    func `sample rows and real ones never meet`(is present: DeploymentEnvironment, asked: DeploymentEnvironment)
        async throws
    {
        try await migrate(path, environment: present)
        let before = try SchemaFacts.rows(path)
        let error = await #expect(throws: StorageError.self) { try await migrate(path, environment: asked) }
        #expect(error?.kind == .wrongEnvironment)
        #expect(
            error?.description.contains(present.rawValue) == true && error?.description.contains(asked.rawValue) == true
        )
        #expect(error?.remedy.isEmpty == false)
        #expect(try SchemaFacts.rows(path) == before)
    }

    @Test func `a refused environment leaves pending migrations pending`() async throws {
        try scratch.make(try SQLScript(SQLScript.numbered[0]).text, try SQLScript("migrations/prod_setup.sql").text)
        await #expect(throws: StorageError.self) { try await migrate(path, environment: .development) }
        #expect(try await Migrator(store: try Store(path: path)).status().schemaVersion == "1.0.0")
    }

    @Test
    func `a shell puts no sample rows into production, nor into real usage, nor production's setup into development`()
        async throws
    {
        let seed = try SQLScript("migrations/dev_seed.sql").text
        let setupText = try SQLScript("migrations/prod_setup.sql").text
        try await migrate(path, environment: .production)
        #expect(try await SQLiteShell.run(seed, on: path).status == 0)
        #expect(try setup() == Setup(environment: "production", samples: 0, isCareful: true))

        let field = try FieldDatabase.make(in: scratch, "field.db")
        try await migrate(field)
        let rows = try SchemaFacts.rows(field)
        #expect(try await SQLiteShell.run(seed, on: field).status == 0)
        #expect(try SchemaFacts.rows(field) == rows)

        let development = scratch.path("development.db")
        try await migrate(development, environment: .development)
        let samples = try SchemaFacts.rows(development)
        #expect(try await SQLiteShell.run(setupText, on: development).status == 0)
        #expect(try SchemaFacts.rows(development) == samples)
    }
}
