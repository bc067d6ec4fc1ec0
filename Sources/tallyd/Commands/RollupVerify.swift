import ArgumentParser
import Scheduling
import Storage

/// `tallyd rollup verify`.
struct RollupVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Derive days again from raw rows and compare, to the last nano-dollar.",
        discussion: """
            Works beside the gateway and the daemon, and writes nothing but one event rollup.drift_found for each day that \
            differs. Compares every open day unless --day, --from or --to say \
            otherwise; days whose raw rows may be gone (sealed, purged, adopted) are named and not compared. Rows that are not \
            counted yet are no drift. Ends with 1 when a day differs; `tallyd rollup rebuild` mends it.

            EXAMPLES
              tallyd rollup verify
              tallyd rollup verify --day 2026-11-23
              tallyd rollup verify --from 2026-11-01 --to 2026-11-23 --json
            """)

    @OptionGroup var options: DatabaseOptions
    @OptionGroup var days: DayOptions

    @Option(help: ArgumentHelp("This day only, as YYYY-MM-DD.", valueName: "day"), transform: DayOptions.day)
    var day: Day?

    @Flag(help: "Print every key that differs, not only the first \(VerificationText.fewKeys).")
    var all = false

    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        if day != nil, !days.isEmpty { throw ValidationError("--day already is a range: leave out --from and --to.") }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let interruption = Interruption()
        let range = day.map { $0...$0 } ?? days.range
        let verification = Verification(store: database.store, zone: database.zone)
        let bar = ProgressBar()
        let report = try await interruption.cancelling {
            defer { bar.clear() }
            return try await verification.run(range) { done, count in
                bar.show("verifying, day \(done) of \(count)", fraction: Double(done) / Double(max(count, 1)))
            }
        }
        print(
            json
                ? try report.json(limit: all ? nil : VerificationText.fewKeys).text()
                : VerificationText(report, all: all).text)
        try await verification.tell(of: report, now: WallClock.now())
        if !report.isClean { throw ExitStatus.failure.code }
    }
}
