import ArgumentParser
import Daemon

/// `tallyd config check`.
struct ConfigCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Print every setting with its value, where that comes from, and what it means.",
        discussion: """
            Problems come first, all of them, and end it with 78. Opens no database, but the files of certificates that a daemon would read. For a daemon under systemd, name its file:

            EXAMPLES
              tallyd config check
              tallyd config check --environment-file /etc/tallyd/tallyd.env
            """)

    @OptionGroup var options: DatabaseOptions

    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        var problems: [String] = []
        let listing: Settings.Listing
        do throws(SettingsError) {
            let settings = try options.settings()
            try settings.checkNeeds()
            listing = settings.listing
        } catch {
            problems = error.problems
            listing = error.listing
        }
        if json {
            print(try Self.json(listing, problems).text())
        } else {
            if !problems.isEmpty { Terminal.complain(problems.joined(separator: "\n")) }
            print(Self.text(listing))
        }
        if !problems.isEmpty { throw ExitStatus.configuration.code }
    }

    static func text(_ listing: Settings.Listing) -> String {
        listing.entries.map { entry in
            """
            \(entry.name)=\(entry.value.printable)  (\(entry.source.rawValue))
                \(entry.meaning) Takes \(entry.accepts).
            """
        }.joined(separator: "\n")
    }

    static func json(_ listing: Settings.Listing, _ problems: [String]) -> JSONValue {
        [
            "problems": JSONValue(problems.map { .string($0) }),
            "settings": JSONValue(
                listing.entries.map { entry in
                    [
                        "name": .string(entry.name), "value": .string(entry.value),
                        "source": .string(entry.source.rawValue),
                        "meaning": .string(entry.meaning), "accepts": .string(entry.accepts),
                    ]
                }),
        ]
    }
}
