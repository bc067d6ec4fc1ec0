import Daemon
import Scheduling
import Testing

@testable import Storage
@testable import tallyd

@Suite struct JobsRenderingTests {
    private let now = Instant(milliseconds: 1_795_561_385_000)

    private func after(_ milliseconds: Int64) -> Instant { Instant(milliseconds: now.milliseconds + milliseconds) }

    private func run(
        _ state: JobLedger.State = .succeeded, attempt: Int = 1, took: Int64? = 788, rows: Int64 = 30_010,
        error: String? = nil
    ) -> JobLedger.Run {
        JobLedger.Run(
            id: 7, job: "rollup", slot: now, attempt: attempt, state: state, startedAt: after(5),
            finishedAt: took.map { after(5 + $0) }, rows: rows, lockMicroseconds: 338_649, error: error)
    }

    private func line(
        _ last: JobLedger.Run? = nil, isEarly: Bool = true, pausedAt: Instant? = nil, next: Instant? = nil
    ) throws -> JobsList.Line {
        JobsList.Line(
            entry: try #require(JobCatalog.entries.first), schedule: .every(.seconds(15)), isEarly: isEarly,
            pausedAt: pausedAt, last: last, next: next)
    }

    /// Without the blanks between columns, whose widths are TextTable's affair.
    private func cells(_ text: String) -> [[String]] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: /\ {2,}/).map(String.init)
        }
    }

    // MARK: The list

    @Test func `the list has each job's schedule, last run and next slot`() throws {
        let text = JobsList.text([try line(run(), next: after(15_000))], isServed: true)
        #expect(
            cells(text) == [
                ["job", "schedule", "last run", "state", "took", "next slot", "does"],
                [
                    "rollup", "15s, and on changes", "2026-11-24T23:03:05.005Z", "succeeded", "788ms",
                    "2026-11-24T23:03:20.000Z", "rolls usage_logs up into daily_usage_stats",
                ],
            ])
    }

    @Test func `a job that never ran, is paused or never comes again says so`() throws {
        func row(_ line: JobsList.Line) -> [String] { cells(JobsList.text([line], isServed: true))[1] }
        #expect(
            row(try line(isEarly: false, next: after(0))).dropLast()
                == ["rollup", "15s", "never", "–", "–", "2026-11-24T23:03:05.000Z"])
        #expect(row(try line(pausedAt: now))[5] == "paused since 2026-11-24T23:03:05.000Z")
        #expect(row(try line(run()))[5] == "never")
        #expect(row(try line(run(.crashed, attempt: 3)))[3] == "crashed, attempt 3")
        #expect(row(try line(run(.running, took: nil)))[4] == "–")
    }

    @Test func `the list says when nobody serves`() throws {
        #expect(!JobsList.text([try line()], isServed: true).contains("no daemon"))
        let alone = JobsList.text([try line()], isServed: false)
        #expect(alone.hasSuffix("\n\nno daemon serves this database: nothing runs until `tallyd run`"))
    }

    @Test func `the list's JSON has absent things as null`() throws {
        let json = try JobsList.json([try line(isEarly: false)], isServed: false).text()
        for expected in [
            "\"served\" : false", "\"job\" : \"rollup\"", "\"schedule\" : \"15s\"", "\"on_changes\" : false",
            "\"paused_at\" : null", "\"next_slot\" : null", "\"last_run\" : null",
        ] { #expect(json.contains(expected), "\(json)") }
        let full = try JobsList.json([try line(run(), pausedAt: now, next: after(15_000))], isServed: true).text()
        for expected in [
            "\"served\" : true", "\"on_changes\" : true", "\"paused_at\" : \"2026-11-24T23:03:05.000Z\"",
            "\"next_slot\" : \"2026-11-24T23:03:20.000Z\"", "\"attempt\" : 1",
        ] { #expect(full.contains(expected), "\(full)") }
    }

    // MARK: The history

    @Test func `the history has a line a run, with what it took and why it failed`() {
        let runs = [
            run(.running, attempt: 2, took: nil, rows: 0),
            run(.failed, took: 12, rows: 0, error: "no space left\u{1B}[31m"), run(),
        ]
        #expect(
            cells(JobsHistory.text(runs, job: "rollup")) == [
                ["slot", "started", "state", "took", "rows", "lock", "error"],
                [
                    "2026-11-24T23:03:05.000Z", "2026-11-24T23:03:05.005Z", "running, attempt 2", "–", "0", "338.6 ms",
                ],
                [
                    "2026-11-24T23:03:05.000Z", "2026-11-24T23:03:05.005Z", "failed", "12ms", "0", "338.6 ms",
                    "no space left\\u{1b}[31m",
                ],
                ["2026-11-24T23:03:05.000Z", "2026-11-24T23:03:05.005Z", "succeeded", "788ms", "30,010", "338.6 ms"],
            ])
    }

    @Test func `a history without runs says so, and a clock that was set back takes no time`() {
        #expect(JobsHistory.text([], job: "rollup") == "rollup has not run yet")
        #expect(JobsHistory.took(run(took: -3_600_000)) == JobsHistory.took(run(took: 0)))
    }

    @Test func `a run's JSON has its figures with their units`() throws {
        let json = try JobsHistory.json(run(.failed, attempt: 2, error: "no \"space\"")).text()
        for expected in [
            "\"run\" : 7", "\"job\" : \"rollup\"", "\"slot\" : \"2026-11-24T23:03:05.000Z\"", "\"attempt\" : 2",
            "\"state\" : \"failed\"", "\"finished_at\" : \"2026-11-24T23:03:05.793Z\"", "\"rows\" : 30010",
            "\"lock_us\" : 338649", "\"error\" : \"no \\\"space\\\"\"",
        ] { #expect(json.contains(expected), "\(json)") }
        let open = try JobsHistory.json(run(.running, took: nil)).text()
        #expect(open.contains("\"finished_at\" : null") && open.contains("\"error\" : null"), "\(open)")
    }

    // MARK: Explaining

    @Test func `explain shows each slot on the wall and in UTC, and the change of the clocks beside it`() throws {
        let zone = try #require(Zone("Europe/Berlin"))
        let schedule = try JobsExplain.parse("*-*-* 02:30", zone: zone)
        // The day before the clocks go forward.
        let start = Instant(milliseconds: 1_774_652_400_000)
        let slots = schedule.explain(after: start, count: 2, zone: zone)
        let lines = cells(JobsExplain.text(slots, schedule))
        #expect(lines.count == 4)
        #expect(lines[0] == ["\(schedule)"])
        #expect(lines[1] == ["slot", "in UTC"])
        #expect(zip(lines[2...], slots).allSatisfy { $0 == [$1.wall, $1.utc] + ($1.note.map { [$0] } ?? []) })
        #expect(slots.contains { $0.note != nil }, "\(slots)")
        let json = try JobsExplain.json(slots, schedule).text()
        #expect(json.contains("\"schedule\" : \"\(schedule)\""))
        #expect(json.contains("\"note\" : null"))
    }

    @Test func `explain says when a schedule never comes again, and why one can't be read`() throws {
        let zone = try #require(Zone("UTC"))
        let past = try JobsExplain.parse("2001-01-01 00:00", zone: zone)
        #expect(JobsExplain.text([], past) == "\(past) never comes again")
        #expect(try JobsExplain.json([], past).text().filter { !$0.isWhitespace }.contains("\"slots\":[]"))
        #expect { _ = try JobsExplain.parse("15", zone: zone) } throws: { "\($0)".contains("--schedule: ") }
    }
}
