import ArgumentParser

/// `tallyd migrate`, which applies unless it is asked for the status.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a database to the present schema, in place.",
        discussion: """
            Makes the file where there is none; adopts a gateway's 1.0.0 database with every row in it. Each migration is one \
            transaction, recorded with its SHA-256; what ran is never run again. A database that is newer than this program, a migration \
            whose text changed, and a file of something else are refused, and left as they are.

            EXAMPLES
              tallyd migrate --database usage.db
              tallyd migrate --dry-run
              tallyd migrate --environment development    with sample rows
              tallyd migrate status
            """,
        subcommands: [MigrateApply.self, MigrateStatus.self],
        defaultSubcommand: MigrateApply.self)
}
