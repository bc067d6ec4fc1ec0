/// One numbered file of `migrations/`, as it was when this program was built.
package struct MigrationFile: Sendable {
    /// 1 for 001_initial_schema.
    package let number: Int
    /// The file's name without its ending, as it stands in schema_migrations.
    package let name: String
    /// The schema version that a database has after it, as schema_metadata says it.
    package let version: String
    package let bytes: [UInt8]

    package var sql: String { String(decoding: bytes, as: UTF8.self) }

    /// Every migration, in order. The build embeds the files themselves: `Sources/Migrations/SQL` holds links to them.
    package static let all: [MigrationFile] = [
        MigrationFile(
            number: 1, name: "001_initial_schema", version: "1.0.0", bytes: PackageResources._01_initial_schema_sql),
        MigrationFile(
            number: 2, name: "002_exact_rollup", version: "1.1.0", bytes: PackageResources._02_exact_rollup_sql),
        MigrationFile(
            number: 3, name: "003_job_pauses", version: "1.2.0", bytes: PackageResources._03_job_pauses_sql),
        MigrationFile(
            number: 4, name: "004_retention", version: "1.3.0", bytes: PackageResources._04_retention_sql),
        MigrationFile(
            number: 5, name: "005_archives", version: "1.4.0", bytes: PackageResources._05_archives_sql),
        MigrationFile(
            number: 6, name: "006_erasures", version: "1.5.0", bytes: PackageResources._06_erasures_sql),
        MigrationFile(
            number: 7, name: "007_webhook_outbox", version: "1.6.0", bytes: PackageResources._07_webhook_outbox_sql),
        MigrationFile(
            number: 8, name: "008_archive_drafts", version: "1.7.0", bytes: PackageResources._08_archive_drafts_sql),
    ]
}

/// The files of `migrations/` that are no steps, and `schema.sql`.
package enum SetupFile {
    /// Sample rows; for development only.
    package static var developmentSeed: String { String(decoding: PackageResources.dev_seed_sql, as: UTF8.self) }
    /// What a production database wants; for production only.
    package static var productionSetup: String { String(decoding: PackageResources.prod_setup_sql, as: UTF8.self) }
    /// The whole schema at the present version, for a new database.
    package static var schema: String { String(decoding: PackageResources.schema_sql, as: UTF8.self) }
}
