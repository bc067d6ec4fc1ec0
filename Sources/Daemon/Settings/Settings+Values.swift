package import Scheduling
package import Storage

extension Settings {
    /// How considerate this program's writes are.
    package var pace: Pace {
        Pace(hold: lockHold, duty: writeDuty.share, walLimitBytes: walLimit.bytes, secureDelete: secureDelete)
    }

    /// - Throws: `StorageError` when the machine's tzdata lost the zone between the check and now.
    package var zone: Zone {
        get throws {
            guard let zone = Zone(timeZone) else {
                throw StorageError(
                    .failed, cannot: "use the time zone", timeZone, because: "this machine's tzdata no longer has it",
                    remedy: "Install tzdata, or set TALLYD_TIMEZONE to another zone.")
            }
            return zone
        }
    }

    /// Looks up what only a daemon needs beside its database, programs and files: at the start, and at each reload.
    ///
    /// - Throws: `SettingsError` with all that can't be run, or can't be read.
    package func checkNeeds() throws(SettingsError) {
        var problems: [String] = []
        do throws(SettingsError) { try checkPrograms() } catch { problems += error.problems }
        if webhooks.isOn { problems += webhooks.fileProblems }
        guard problems.isEmpty else { throw SettingsError(problems: problems, listing: listing) }
    }

    /// Looks up the programs that a job needs which is run.
    ///
    /// - Throws: `SettingsError` where one can't be started.
    package func checkPrograms() throws(SettingsError) {
        guard let command = retention.archiveCommand, let obstacle = command.obstacle else { return }
        throw SettingsError(
            problems: ["\(SettingsTable.archiveCommand.name)=\(command) can't be run: \(obstacle)"], listing: listing)
    }
}
