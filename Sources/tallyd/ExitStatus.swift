import ArgumentParser
import Daemon
import Storage

/// How the process ends when a command fails: sysexits.h's numbers, so that systemd and scripts can tell the cases apart without reading text.
struct ExitStatus: Hashable {
    let rawValue: Int32

    /// EX_DATAERR: what the database holds is in the way.
    static let dataError = ExitStatus(rawValue: 65)
    /// EX_NOINPUT: there is no such file, or it is no usage database.
    static let noInput = ExitStatus(rawValue: 66)
    /// EX_TEMPFAIL: the same command may succeed later.
    static let temporaryFailure = ExitStatus(rawValue: 75)
    /// EX_NOPERM: the file or its folder may not be read or written.
    static let noPermission = ExitStatus(rawValue: 77)
    /// EX_CONFIG: a setting is wrong.
    static let configuration = ExitStatus(rawValue: 78)
    static let failure = ExitStatus(rawValue: 1)

    /// For ArgumentParser, where a command ends with a status and has said why.
    var code: ExitCode { ExitCode(rawValue) }

    private init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    init(of error: any Error) {
        switch error {
        case let error as StorageError: self = Self.status(of: error.kind)
        case is SettingsError: self = .configuration
        // What a shell reports of a process that the signal ended.
        case let error as Interrupted: self.init(rawValue: 128 + error.signal)
        default: self = .failure
        }
    }

    private static func status(of kind: StorageError.Kind) -> ExitStatus {
        switch kind {
        case .missing, .notADatabase, .notAUsageDatabase: .noInput
        case .readOnly: .noPermission
        case .locked, .ownedByAnother, .leaseLost, .full, .replaced: .temporaryFailure
        case .corrupt, .newerSchema, .changedMigration, .pendingMigration, .wrongEnvironment, .zoneChanged,
            .rawIncomplete, .sumOverflow, .archiveDamaged, .held:
            .dataError
        case .failed, .archiveFailed, .totalsDiffer: .failure
        }
    }
}
