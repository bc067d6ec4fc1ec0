import Logging
import Testing

@testable import Daemon

@Suite struct SettingsTests {
    /// The only setting that must be there.
    static let database = ["TALLYD_DATABASE": "/data/usage.db"]

    /// The database, and what a setting has no effect without.
    static func company(of setting: any SettingDeclaration) -> [String: String] {
        if setting.name.hasPrefix("TALLYD_WEBHOOK_CLIENT_") {
            return database.merging([
                "TALLYD_WEBHOOK_CLIENT_CERTIFICATE": "/data/c.pem", "TALLYD_WEBHOOK_CLIENT_KEY": "/data/k.pem",
            ]) { $1 }
        }
        guard setting.name.hasPrefix("TALLYD_ARCHIVE_") else { return database }
        return database.merging([
            "TALLYD_ARCHIVE_DIRECTORY": "/data/archive", "TALLYD_ARCHIVE_COMMAND": "/bin/a",
        ]) { $1 }
    }

    static func problems(_ variables: [String: String], database: String? = nil) -> [String] {
        do throws(SettingsError) {
            _ = try Settings(
                environment: variables, options: database.map { ["TALLYD_DATABASE": $0] } ?? [:])
            return []
        } catch {
            return error.problems
        }
    }

    @Test func `a database alone is enough`() throws {
        let settings = try Settings(environment: Self.database)
        #expect(settings.database == "/data/usage.db")
        #expect(settings.timeZone == "UTC")
        #expect(settings.environment == .production)
        #expect(settings.rollupInterval == .seconds(15))
        #expect(settings.rollupWake)
        #expect(settings.rollupSpacing == .seconds(1))
        #expect(settings.rollupMissedRuns == .latest)
        #expect(settings.metricsInterval == .seconds(60))
        #expect(settings.lockHold == .milliseconds(5))
        #expect(settings.writeDuty.share == 0.1)
        #expect(settings.walLimit.bytes == 67_108_864)
        #expect(settings.secureDelete == .fast)
        #expect(settings.logLevel == .info)
        #expect(settings.logFormat == .auto)
        #expect(settings.environmentFile == nil)
    }

    @Test func `every value that is written is read`() throws {
        let settings = try Settings(environment: [
            "TALLYD_DATABASE": "usage.db", "TALLYD_TIMEZONE": "America/Argentina/Buenos_Aires",
            "TALLYD_ENVIRONMENT": "staging",
            "TALLYD_ROLLUP_INTERVAL": "1h", "TALLYD_ROLLUP_WAKE": "on", "TALLYD_ROLLUP_SPACING": "1m30s",
            "TALLYD_ROLLUP_MISSED_RUNS": "all", "TALLYD_METRICS_INTERVAL": "1h", "TALLYD_LOCK_HOLD": "50ms",
            "TALLYD_WRITE_DUTY": "100%", "TALLYD_WAL_LIMIT": "1GiB", "TALLYD_SECURE_DELETE": "off",
            "TALLYD_LOG_LEVEL": "trace",
            "TALLYD_LOG_FORMAT": "journal", "TALLYD_ENVIRONMENT_FILE": "/etc/tallyd/tallyd.env",
        ])
        #expect(settings.database == "usage.db")
        #expect(settings.timeZone == "America/Argentina/Buenos_Aires")
        #expect(settings.environment == .staging)
        #expect(settings.rollupInterval == .seconds(3_600))
        #expect(settings.rollupSpacing == .seconds(90))
        #expect(settings.rollupMissedRuns.policy == .all(cap: 1_000, window: .seconds(86_400)))
        #expect(settings.metricsInterval == .seconds(3_600))
        #expect(settings.lockHold == .milliseconds(50))
        #expect(settings.writeDuty.percent == 100)
        #expect(settings.walLimit == .gibibytes(1))
        #expect(settings.secureDelete == .off)
        #expect(settings.pace.secureDelete == .off)
        #expect(settings.logLevel == .trace)
        #expect(settings.logFormat == .journal)
        #expect(settings.environmentFile == "/etc/tallyd/tallyd.env")
    }

    @Test(arguments: [
        ("TALLYD_ROLLUP_INTERVAL", "90", "has no unit; write 90s"),
        ("TALLYD_ROLLUP_INTERVAL", "15", "has no unit; write 15s or 15m"),
        ("TALLYD_ROLLUP_INTERVAL", "0s", "is zero; write a duration from 1s to 1h"),
        ("TALLYD_ROLLUP_INTERVAL", "999ms", "is out of range; write 1s to 1h"),
        ("TALLYD_ROLLUP_INTERVAL", "3601s", "is out of range; write 1s to 1h"),
        ("TALLYD_ROLLUP_INTERVAL", "5min", "has an unknown unit \"min\"; write 5m"),
        ("TALLYD_ROLLUP_INTERVAL", "1.5m", "has a fraction; write 90s"),
        ("TALLYD_ROLLUP_SPACING", "99ms", "is out of range; write 100ms to 1h"),
        ("TALLYD_ROLLUP_MISSED_RUNS", "newest", "is not latest, none or all; write one of them"),
        ("TALLYD_ROLLUP_MISSED_RUNS", "lates", "is not latest, none or all; did you mean latest?"),
        ("TALLYD_METRICS_INTERVAL", "60", "has no unit; write 60s or 60m"),
        ("TALLYD_METRICS_INTERVAL", "500ms", "is out of range; write 1s to 1h"),
        ("TALLYD_METRICS_INTERVAL", "2h", "is out of range; write 1s to 1h"),
        ("TALLYD_METRICS_INTERVAL", "off", "is no duration; write a duration from 1s to 1h"),
        ("TALLYD_LOCK_HOLD", "5", "has no unit; write 5ms"),
        ("TALLYD_LOCK_HOLD", "51ms", "is out of range; write 1ms to 50ms"),
        ("TALLYD_ROLLUP_WAKE", "true", "is not on or off; write on"),
        ("TALLYD_ROLLUP_WAKE", "No", "is not on or off; write off"),
        ("TALLYD_ROLLUP_WAKE", "sometimes", "is not on or off; write one of them"),
        ("TALLYD_ENVIRONMENT", "prodction", "is not development, staging or production; did you mean production?"),
        ("TALLYD_ENVIRONMENT", "Staging", "is not development, staging or production; did you mean staging?"),
        ("TALLYD_ENVIRONMENT", "qa", "is not development, staging or production; write one of them"),
        ("TALLYD_LOG_FORMAT", "json", "is not auto, journal or lines; write one of them"),
        (
            "TALLYD_LOG_LEVEL", "warn",
            "is not trace, debug, info, notice, warning, error or critical; did you mean warning?"
        ),
        ("TALLYD_WRITE_DUTY", "10", "has no percent sign; write 10%"),
        ("TALLYD_WRITE_DUTY", "0.1", "has no percent sign; write 10%"),
        ("TALLYD_WRITE_DUTY", "much", "has no percent sign; write 1% to 100%"),
        ("TALLYD_WRITE_DUTY", "0%", "is out of range; write 1% to 100%"),
        ("TALLYD_WRITE_DUTY", "101%", "is out of range; write 1% to 100%"),
        ("TALLYD_WRITE_DUTY", "99999999999999999999%", "is out of range; write 1% to 100%"),
        ("TALLYD_WRITE_DUTY", "-5%", "is no whole number of percent; write 1% to 100%"),
        ("TALLYD_WAL_LIMIT", "64", "has no unit; write 64KiB, 64MiB or 64GiB"),
        ("TALLYD_WAL_LIMIT", "64MB", "has an unknown unit \"MB\"; write 64MiB"),
        ("TALLYD_WAL_LIMIT", "64m", "has an unknown unit \"m\"; write 64MiB"),
        (
            "TALLYD_WAL_LIMIT", "3TiB",
            "has an unknown unit \"TiB\"; write KiB, MiB or GiB after the number, such as 64MiB"
        ),
        ("TALLYD_WAL_LIMIT", "0MiB", "is zero; write a size such as 64MiB"),
        ("TALLYD_WAL_LIMIT", "big", "is no size; write a number and KiB, MiB or GiB, such as 64MiB"),
        ("TALLYD_WAL_LIMIT", "8589934592GiB", "is larger than can be counted; write a smaller size, such as 64MiB"),
        ("TALLYD_WAL_LIMIT", "65GiB", "is out of range; write 1MiB to 64GiB"),
        ("TALLYD_WAL_LIMIT", "1023KiB", "is out of range; write 1MiB to 64GiB"),
        ("TALLYD_SECURE_DELETE", "yes", "is not fast, on or off; write one of them"),
        ("TALLYD_SECURE_DELETE", "fats", "is not fast, on or off; did you mean fast?"),
        ("TALLYD_TIMEZONE", "Europe/Berln", "is no IANA time zone; did you mean Europe/Berlin?"),
        ("TALLYD_TIMEZONE", "europe/berlin", "is no IANA time zone; did you mean Europe/Berlin?"),
        ("TALLYD_TIMEZONE", "Tokyo", "is no IANA time zone; did you mean Asia/Tokyo?"),
        ("TALLYD_TIMEZONE", "utc", "is no IANA time zone; did you mean UTC?"),
        ("TALLYD_TIMEZONE", "Europe/../Europe/Berlin", "is no IANA time zone; write one such as Europe/Berlin, or UTC"),
        ("TALLYD_TIMEZONE", "+02:00", "is no IANA time zone; write one such as Europe/Berlin, or UTC"),
        (
            "TALLYD_TIMEZONE", "PST",
            "is an abbreviation or an offset; write the name of a place, such as Europe/Berlin, or UTC"
        ),
        (
            "TALLYD_TIMEZONE", "GMT+2",
            "is an abbreviation or an offset; write the name of a place, such as Europe/Berlin, or UTC"
        ),
        (
            "TALLYD_DATABASE", ":memory:",
            "is no path of a file; write the path alone, such as /var/lib/gateway/usage.db"
        ),
        (
            "TALLYD_DATABASE", "file:usage.db",
            "is no path of a file; write the path alone, such as /var/lib/gateway/usage.db"
        ),
        ("TALLYD_DATABASE", "~/usage.db", "begins with ~, which nothing expands here; write the whole path"),
    ])
    func `a bad value is refused with what to write instead`(name: String, value: String, sentence: String) {
        let variables = Self.database.merging([name: value]) { $1 }
        #expect(Self.problems(variables) == ["\(name)=\(value) \(sentence)"])
    }

    @Test func `an empty value is refused for every setting`() {
        for setting in SettingsTable.all {
            for empty in ["", " ", "\t\n"] {
                let problems = Self.problems(Self.database.merging([setting.name: empty]) { $1 })
                let remedy = setting.defaultText.map { "remove it to have \($0), or write" } ?? "write"
                #expect(problems == ["\(setting.name) is empty; \(remedy) \(setting.name)=\(setting.example)"])
            }
        }
    }

    @Test(arguments: [
        ("TALLYD_DATABSE", "did you mean TALLYD_DATABASE?"),
        ("TALLYD_ROLLUP_INTERVALL", "did you mean TALLYD_ROLLUP_INTERVAL?"),
        ("TALLYD_ROLLUP_INTERVAL_SECONDS", "did you mean TALLYD_ROLLUP_INTERVAL?"),
        ("TALLYD_TIME_ZONE", "did you mean TALLYD_TIMEZONE?"),
        ("tallyd_timezone", "did you mean TALLYD_TIMEZONE?"),
        ("TALLYD_FROBNICATE", "remove it"),
        ("TALLYD_", "remove it"),
    ])
    func `an unknown name of ours is refused`(name: String, advice: String) {
        #expect(Self.problems(Self.database.merging([name: "hunter2"]) { $1 }) == ["\(name) is no setting; \(advice)"])
    }

    @Test func `names of others are ignored`() {
        let others = ["NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "1", "PATH": "", "TALLY": "1", "XTALLYD_A": "1"]
        #expect(Self.problems(Self.database.merging(others) { $1 }) == [])
    }

    @Test func `all problems are reported together`() {
        let problems = Self.problems([
            "TALLYD_ROLLUP_INTERVAL": "90", "TALLYD_LOG_LEVEL": "loud", "TALLYD_WAL_LIMT": "1",
            "TALLYD_ROLLUP_SPACING": "2h",
        ])
        #expect(
            problems == [
                "TALLYD_DATABASE is not set; write TALLYD_DATABASE=/var/lib/gateway/usage.db, or pass --database",
                "TALLYD_ROLLUP_INTERVAL=90 has no unit; write 90s",
                "TALLYD_ROLLUP_SPACING=2h is out of range; write 100ms to 1h",
                "TALLYD_LOG_LEVEL=loud is not trace, debug, info, notice, warning, error or critical; write one of them",
                "TALLYD_WAL_LIMT is no setting; did you mean TALLYD_WAL_LIMIT?",
            ]
        )
    }

    @Test func `a spacing above the interval is a contradiction`() {
        let variables = Self.database.merging(["TALLYD_ROLLUP_SPACING": "60s"]) { $1 }
        #expect(
            Self.problems(variables) == [
                "TALLYD_ROLLUP_SPACING=1m is longer than TALLYD_ROLLUP_INTERVAL=15s, so that no wake would ever be early; "
                    + "write 15s or less"
            ]
        )
        #expect(Self.problems(variables.merging(["TALLYD_ROLLUP_INTERVAL": "1m"]) { $1 }) == [])
    }

    @Test func `a spacing without wakes is a contradiction`() {
        let off = Self.database.merging(["TALLYD_ROLLUP_WAKE": "off"]) { $1 }
        #expect(Self.problems(off) == [])
        #expect(
            Self.problems(off.merging(["TALLYD_ROLLUP_SPACING": "2s"]) { $1 }) == [
                "TALLYD_ROLLUP_SPACING=2s has no effect while TALLYD_ROLLUP_WAKE=off; remove it, or write TALLYD_ROLLUP_WAKE=on"
            ]
        )
    }

    @Test func `a hostile value neither floods nor forges the report`() {
        let value = "x\u{1B}[31m\nTALLYD_OK=1" + String(repeating: "y", count: 100_000)
        let problems = Self.problems(Self.database.merging(["TALLYD_LOG_LEVEL": value]) { $1 })
        #expect(problems.count == 1)
        let report = problems.joined()
        #expect(report.count < 300)
        #expect(!report.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }
}
