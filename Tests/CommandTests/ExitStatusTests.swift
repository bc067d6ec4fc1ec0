import Daemon
import Storage
import Testing

@testable import tallyd

@Suite struct ExitStatusTests {
    private func status(_ kind: StorageError.Kind) -> Int32 {
        ExitStatus(of: StorageError(kind, cannot: "use", "a.db", because: "of a test", remedy: "None.")).rawValue
    }

    @Test func `each kind of failure ends with the status that the help names`() {
        #expect(status(.missing) == 66)
        #expect(status(.notAUsageDatabase) == 66)
        #expect(status(.readOnly) == 77)
        #expect(status(.locked) == 75)
        #expect(status(.ownedByAnother) == 75)
        #expect(status(.pendingMigration) == 65)
        #expect(status(.newerSchema) == 65)
        #expect(status(.failed) == 1)
        #expect(ExitStatus(of: Interrupted(signal: 2)).rawValue == 130)
        #expect(ExitStatus(of: Interrupted(signal: 15)).rawValue == 143)
    }

    @Test(arguments: [
        ("3.6.23", false), ("3.7.0", true), ("3.40.1", true), ("3.51.2", true), ("3.51.3", false), ("4.0.0", false),
    ])
    func `the SQLite versions with the WAL-reset bug are known`(version: String, isAtRisk: Bool) {
        #expect(Overview.hasWALResetBug(version) == isAtRisk)
    }
}
