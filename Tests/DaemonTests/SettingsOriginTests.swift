import Foundation
import Testing

@testable import Daemon

@Suite struct SettingsOriginTests {
    private func source(_ settings: Settings, _ name: String) -> SettingSource? {
        settings.listing.entries.first { $0.name == name }?.source
    }

    @Test func `the file fills in what the process does not say`() throws {
        let file = try SettingsFile("TALLYD_DATABASE=/file.db", "TALLYD_LOG_LEVEL=debug", "OTHER=1")
        let settings = try SettingsOrigin(
            environment: ["TALLYD_ENVIRONMENT_FILE": file.path, "TALLYD_DATABASE": "/process.db"]
        ).read()
        #expect(settings.database == "/process.db")
        #expect(settings.logLevel == .debug)
        #expect(settings.environmentFile == file.path)
        #expect(source(settings, "TALLYD_DATABASE") == .environment)
        #expect(source(settings, "TALLYD_LOG_LEVEL") == .environmentFile)
        #expect(source(settings, "TALLYD_ENVIRONMENT_FILE") == .environment)
    }

    @Test func `an option wins over the file and over the variable that names one`() throws {
        let (file, other) = (
            try SettingsFile("TALLYD_DATABASE=/file.db"), try SettingsFile("TALLYD_DATABASE=/other.db")
        )
        let environment = ["TALLYD_ENVIRONMENT_FILE": other.path]
        let named = SettingsOrigin(environment: environment, environmentFile: file.path)
        #expect(try named.read().database == "/file.db")
        #expect(try named.read().environmentFile == file.path)
        #expect(try SettingsOrigin(environment: environment, database: "/option.db").read().database == "/option.db")
    }

    /// As systemd starts a service: with Environment=, the file's variables, and the file's name.
    private func started(_ file: SettingsFile, _ variables: [String: String]) -> SettingsOrigin {
        SettingsOrigin(environment: variables.merging(["TALLYD_ENVIRONMENT_FILE": file.path]) { $1 })
    }

    @Test func `what systemd took from the file follows the file, and what it did not stays`() throws {
        let file = try SettingsFile("TALLYD_LOG_LEVEL=debug", "TALLYD_LOCK_HOLD=2ms", "TALLYD_WAL_LIMIT=1GiB")
        let origin = started(
            file,
            [
                "TALLYD_DATABASE": "/unit.db", "TALLYD_LOG_LEVEL": "debug", "TALLYD_LOCK_HOLD": "2ms",
                "TALLYD_WAL_LIMIT": "2GiB", "TALLYD_TIMEZONE": "Europe/Berlin",
            ])
        let before = try origin.read()
        #expect(source(before, "TALLYD_LOG_LEVEL") == .environmentFile)
        #expect(before.walLimit == .gibibytes(2))

        try file.write("TALLYD_LOCK_HOLD=3ms", "TALLYD_WAL_LIMIT=4GiB", "TALLYD_TIMEZONE=UTC")
        let after = try origin.read()
        #expect(after.logLevel == .info)
        #expect(source(after, "TALLYD_LOG_LEVEL") == .default)
        #expect(after.lockHold == .milliseconds(3))
        #expect(after.walLimit == .gibibytes(2))
        #expect(after.timeZone == "Europe/Berlin")
        #expect(after.database == "/unit.db")
    }

    @Test func `the file cannot move itself`() throws {
        let file = try SettingsFile("TALLYD_DATABASE=/a.db")
        let origin = started(file, [:])
        try file.write("TALLYD_DATABASE=/b.db", "TALLYD_ENVIRONMENT_FILE=/elsewhere.env")
        #expect(try origin.read().database == "/b.db")
        #expect(try origin.read().environmentFile == file.path)
        let itself = try SettingsFile("TALLYD_DATABASE=/a.db")
        try itself.write("TALLYD_DATABASE=/a.db", "TALLYD_ENVIRONMENT_FILE=\(itself.path)")
        let named = started(itself, [:])
        try itself.write("TALLYD_DATABASE=/b.db")
        #expect(try named.read().environmentFile == itself.path)
    }

    @Test func `problems of the file come with those of the settings`() throws {
        let file = try SettingsFile("TALLYD_LOG_LEVEL=loud", "TALLYD_LOCK_HOLD='2ms")
        func problems() -> [String] {
            do throws(SettingsError) {
                _ = try started(file, ["TALLYD_DATABASE": "/a.db", "TALLYD_WAL_LIMIT": "1"]).read()
                return []
            } catch {
                return error.problems
            }
        }
        #expect(
            problems() == [
                "\(file.path), line 2: opens a quote that is never closed, which swallows the rest of the file; close it",
                "TALLYD_WAL_LIMIT=1 has no unit; write 1KiB, 1MiB or 1GiB",
            ])
        try file.write("TALLYD_LOG_LEVEL=loud", "TALLYD_WALL=1", "tallyd_x=1")
        #expect(problems().count == 4)
        try FileManager.default.removeItem(atPath: file.path)
        #expect(problems().first?.hasPrefix("cannot read the settings file \(file.path): No such file") == true)
    }
}
