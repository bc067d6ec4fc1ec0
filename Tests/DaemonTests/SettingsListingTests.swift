import Testing

@testable import Daemon

@Suite struct SettingsListingTests {
    @Test func `every default appears in the listing, in the order of the table`() throws {
        let entries = try Settings(environment: SettingsTests.database).listing.entries
        #expect(entries.map(\.name) == SettingsTable.all.map(\.name))
        for (entry, setting) in zip(entries, SettingsTable.all).dropFirst() {
            #expect(entry.value == setting.defaultText ?? "(not set)")
            #expect(entry.source == .default)
            #expect(entry.meaning == setting.meaning)
        }
        #expect(entries.first?.value == "/data/usage.db")
        #expect(entries.first?.source == .environment)
    }

    @Test func `every example is read and listed as it stands`() throws {
        for setting in SettingsTable.all {
            let variables = SettingsTests.company(of: setting).merging([setting.name: setting.example]) { $1 }
            let entry = try Settings(environment: variables).listing.entries.first { $0.name == setting.name }
            #expect(entry?.value == setting.example)
            #expect(entry?.source == .environment)
            #expect(setting.example != setting.defaultText)
        }
    }

    @Test func `names are unique and meanings are sentences`() {
        #expect(Set(SettingsTable.all.map(\.name)).count == SettingsTable.all.count)
        for setting in SettingsTable.all {
            #expect(setting.name.wholeMatch(of: /TALLYD_[A-Z]+(_[A-Z]+)*/) != nil)
            #expect(setting.meaning.hasSuffix("."))
            #expect(!setting.accepts.isEmpty)
        }
    }

    @Test func `the command line wins over the environment`() throws {
        // What is overridden is not judged.
        let settings = try Settings(
            environment: ["TALLYD_DATABASE": ":memory:", "TALLYD_ENVIRONMENT": "staging"],
            options: ["TALLYD_DATABASE": "other.db", "TALLYD_ENVIRONMENT": "development"]
        )
        #expect(settings.database == "other.db")
        #expect(settings.environment == .development)
        #expect(settings.listing.entries.first?.source == .commandLine)
        #expect(settings.listing.entries.first?.source.rawValue == "command line")
    }

    @Test func `a bad option is named as it was typed`() {
        #expect(
            SettingsTests.problems([:], database: "~/a.db") == [
                "--database=~/a.db begins with ~, which nothing expands here; write the whole path"
            ])
        #expect(
            SettingsTests.problems([:], database: "") == [
                "--database is empty; write --database=/var/lib/gateway/usage.db"
            ])
    }

    @Test func `a refusal still lists what was read`() {
        do throws(SettingsError) {
            _ = try Settings(environment: ["TALLYD_LOG_LEVEL": "loud"])
            Issue.record("accepted")
        } catch {
            #expect(error.listing.entries.count == SettingsTable.all.count)
            #expect(error.listing.entries.first?.value == "(not set)")
            #expect(error.listing.entries.first { $0.name == "TALLYD_LOG_LEVEL" }?.value == "loud")
            #expect(error.description == error.problems.joined(separator: "\n"))
        }
    }
}
