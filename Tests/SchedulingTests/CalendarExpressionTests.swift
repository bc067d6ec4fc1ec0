import Testing

@testable import Scheduling

@Suite struct `Calendar expressions` {
    /// Every example of systemd.time(7), then the corners. The normal form is stated here and asked of systemd too.
    static let sound = [
        ("Thu,Fri 2012-*-1,5 11:12:13", "Thu,Fri 2012-*-01,05 11:12:13"),
        ("*-02~03", "*-02~03 00:00:00"), ("Mon *-05~07/1", "Mon *-05~07/1 00:00:00"),
        ("minutely", "*-*-* *:*:00"), ("hourly", "*-*-* *:00:00"), ("daily", "*-*-* 00:00:00"),
        ("monthly", "*-*-01 00:00:00"), ("weekly", "Mon *-*-* 00:00:00"), ("yearly", "*-01-01 00:00:00"),
        ("quarterly", "*-01,04,07,10-01 00:00:00"), ("semiannually", "*-01,07-01 00:00:00"),
        ("Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"),
        ("Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"), ("Wed *-1", "Wed *-*-01 00:00:00"),
        ("Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00"), ("Wed, 17:48", "Wed *-*-* 17:48:00"),
        ("Wed..Sat,Tue 12-10-15 1:2:3", "Tue..Sat 2012-10-15 01:02:03"), ("*-*-7 0:0:0", "*-*-07 00:00:00"),
        ("10-15", "*-10-15 00:00:00"), ("monday *-12-* 17:00", "Mon *-12-* 17:00:00"),
        ("Mon,Fri *-*-3,1,2 *:30:45", "Mon,Fri *-*-01,02,03 *:30:45"),
        ("12,14,13,12:20,10,30", "*-*-* 12,13,14:10,20,30:00"), ("12..14:10,20,30", "*-*-* 12..14:10,20,30:00"),
        ("mon,fri *-1/2-1,3 *:30:45", "Mon,Fri *-01/2-01,03 *:30:45"), ("03-05 08:05:40", "*-03-05 08:05:40"),
        ("08:05:40", "*-*-* 08:05:40"), ("05:40", "*-*-* 05:40:00"),
        ("Sat,Sun 12-05 08:05:40", "Sat,Sun *-12-05 08:05:40"), ("Sat,Sun 08:05:40", "Sat,Sun *-*-* 08:05:40"),
        ("2003-03-05 05:40", "2003-03-05 05:40:00"),
        ("05:40:23.4200004/3.1700005", "*-*-* 05:40:23.420000/3.170001"),
        ("2003-02..04-05", "2003-02..04-05 00:00:00"), ("2003-03-05 05:40 UTC", "2003-03-05 05:40:00 UTC"),
        ("2003-03-05", "2003-03-05 00:00:00"), ("03-05", "*-03-05 00:00:00"), ("daily UTC", "*-*-* 00:00:00 UTC"),
        ("weekly Pacific/Auckland", "Mon *-*-* 00:00:00 Pacific/Auckland"), ("annually", "*-01-01 00:00:00"),
        ("*:2/3", "*-*-* *:02/3:00"),
        ("semi-annually", "*-01,07-01 00:00:00"), ("biannually", "*-01,07-01 00:00:00"),
        ("bi-annually", "*-01,07-01 00:00:00"), ("anually", "*-01-01 00:00:00"), ("DAILY", "*-*-* 00:00:00"),
        ("daily utc", "*-*-* 00:00:00 UTC"), ("daily Asia/Calcutta", "*-*-* 00:00:00 Asia/Calcutta"),
        ("daily US/Eastern", "*-*-* 00:00:00 US/Eastern"), ("daily Etc/GMT+2", "*-*-* 00:00:00 Etc/GMT+2"),
        ("@0", "1970-01-01 00:00:00 UTC"), ("@010", "1970-01-01 00:00:10 UTC"),
        ("@1700000000", "2023-11-14 22:13:20 UTC"), ("@1700000000 UTC", "2023-11-14 22:13:20 UTC"),
        ("@7258118399", "2199-12-31 23:59:59 UTC"), ("@5 Europe/Berlin", "1970-01-01 00:00:05 UTC"),
        ("MONDAY", "Mon *-*-* 00:00:00"), ("Mon,", "Mon *-*-* 00:00:00"), ("Mon ", "Mon *-*-* 00:00:00"),
        ("Mon, UTC", "Mon *-*-* 00:00:00 UTC"), ("Monday-fri", "Mon..Fri *-*-* 00:00:00"),
        ("Mon..Sun", "*-*-* 00:00:00"), ("Mon,Wed,Fri", "Mon,Wed,Fri *-*-* 00:00:00"),
        ("Mon   12:00", "Mon *-*-* 12:00:00"), ("Mon *-*-*  12:00", "Mon *-*-* 12:00:00"),
        ("2026-05-05  ", "2026-05-05 00:00:00"), ("2026-05-05  UTC", "2026-05-05 00:00:00 UTC"),
        ("*-*", "*-*-* 00:00:00"), ("*~1", "*-*~01 00:00:00"), ("*-*~*", "*-*-* 00:00:00"),
        ("*-*~28/1", "*-*~28/1 00:00:00"), ("*-*~28/27", "*-*~28/27 00:00:00"), ("*-*~5/4", "*-*~05/4 00:00:00"),
        ("*-*~5..10/2", "*-*~05..09/2 00:00:00"), ("*-*~1..28", "*-*~01..28 00:00:00"),
        ("*-02~1,3", "*-02~01,03 00:00:00"), ("*-02-30", "*-02-30 00:00:00"), ("1,2,3-4", "*-01,02,03-04 00:00:00"),
        ("70-1-1", "1970-01-01 00:00:00"), ("69-1-1", "2069-01-01 00:00:00"), ("0-1-1", "2000-01-01 00:00:00"),
        ("99..01-1-1", "1999..2001-01-01 00:00:00"), ("26..2028/2-1-1", "2026..2028/2-01-01 00:00:00"),
        ("2199-12-31 23:59:59", "2199-12-31 23:59:59"), ("2198/1-1-1", "2198/1-01-01 00:00:00"),
        ("*:5..5", "*-*-* *:05:00"), ("*:5..7/10", "*-*-* *:05:00"), ("*:5..60/10", "*-*-* *:05..55/10:00"),
        ("23..25/8:00", "*-*-* 23:00:00"), ("*:5..7/2", "*-*-* *:05..07/2:00"),
        ("*:0..59/1", "*-*-* *:00..59:00"), ("*:1/58", "*-*-* *:01/58:00"), ("*:2,1,1", "*-*-* *:01,02:00"),
        ("*:5..7,3/10,1", "*-*-* *:01,03/10,05..07:00"), ("*:0/5,0/10,0", "*-*-* *:00,00/5,00/10:00"),
        ("*:0/10,0..10,0..20/2,0..20", "*-*-* *:00/10,00..10,00..20,00..20/2:00"),
        ("00000012:00", "*-*-* 12:00:00"), ("*:5..59/2147483647", "*-*-* *:05:00"),
        ("*:*:*", "*-*-* *:*:*"), ("*:*:0/1", "*-*-* *:*:*"), ("*:*:0/1,5", "*-*-* *:*:*"),
        ("*:*:0..59", "*-*-* *:*:00..59"), ("*:*:0..59.5/1", "*-*-* *:*:00..59"), ("*:*:5..6", "*-*-* *:*:05..06"),
        ("*:*:0/59.5", "*-*-* *:*:00/59.500000"), ("*:*:59.9999994", "*-*-* *:*:59.999999"),
        ("*:*:0.0000005", "*-*-* *:*:00.000001"), ("*:*:0.1234564999", "*-*-* *:*:00.123456"),
        ("*:*:1.5..2.5", "*-*-* *:*:01.500000..02.500000"), ("*:*:5..5/0.1", "*-*-* *:*:05"),
        ("*:*:0.25..0.75/0.1", "*-*-* *:*:00.250000..00.750000/0.100000"),
        ("*:*:1..3/0.5", "*-*-* *:*:01..03/0.500000"), ("*:*:00.5/1", "*-*-* *:*:00.500000/1"),
    ]

    @Test func `every form has its normal form, which reads back as itself, and systemd agrees on both`() throws {
        #expect(Self.sound.count >= 80)
        let replies = try SystemdAnalyze.calendar(Self.sound.map(\.0), iterations: 1, base: 1_795_000_000)
        for ((text, normal), reply) in zip(Self.sound, replies) {
            let expression = try CalendarExpression(parsing: text, zone: .utc)
            #expect(expression.description == normal)
            #expect(try CalendarExpression(parsing: normal, zone: .utc) == expression)
            #expect(reply.answer?.normal == normal)
            let next = expression.next(after: Instant(milliseconds: 1_795_000_000_000))
            #expect(
                next.map { $0.instant.milliseconds / 1_000 } == reply.answer?.elapses.first, "\(text)")
        }
    }

    static let unsound = [
        "", " ", " daily", "daily ", "daily  UTC", "daily 12:00", "Mon daily", "UTC", "UTC UTC", "foo", "never",
        "annual",
        "12", "*", "*-", "*:", ":*", "-1", "~1", "*~", "*-*~", "*:*:", "*:1,", "*:,1", "*:1,,2", "1:2:3:4", "*-*-*-*",
        "2026-12", "100-1-1", "1969-1-1", "2200-1-1", "2199/1-1-1", "0100-1-1", "69..70-1-1", "*-13-1", "*-0-1",
        "*-1-32", "*-1-0", "*-1-31/2", "12/1-1", "*-12/1-1", "2026~3", "*-*~0", "*-*~29", "*-*~1/1", "*-*~2/2",
        "*-*~28/28", "*-02~3..1", "*-*-1~2", "1~1~1", "24:00", "25:00", "*:60", "*:*:60", "*:*:59.9999995", "*:0/0",
        "*:0/60", "*:1/59", "*:5..3", "*:5..60", "*:5-7", "*:*/7", "*:*,5", "*:5,*", "*:*..3", "*:3..*", "*:3/*",
        "*:1/2/3", "*:1..2..3", "*:**", "**:*", "*:0/ 5", "*:0 /5", "1: 1", "+1:00", "0x12:00", "1:1.5", "*:1/1.5",
        "*:*:.5", "*:*:1.", "*:*:1/.5", "*:*:*.5", "*:*:1..", "*:*:1...5", "*:*:1-5", "*:*:*/0.5", "*:*:1/0",
        "*:*:1/0.0000001", "*:*:0.25..1.24", "*:*:5..5", "*:*:0/2147", "*:*:2147483648", "999999999999:00",
        "*:5..59/2147483648", "Mond", "Thurs", "Mo", "Mon,,Tue", ",Mon", "Mon, Tue", "Mon..", "Mon-", "Mon ..Fri",
        "Mon..Fri..Sun", "Mon...Fri", "Sat..Mon", "Mon12:00", "Mon,12:00", "Mon*-*-*", "Mon-1-1", "Mon,@5", "Mon\t",
        "Mon\t12:00", "12:00 ", "12:00  UTC", "12:00 *-*-*", "*-*-*T12:00", "T12:00", "*-*-*12:00", "*-*- *:0",
        "daily Foo/Bar", "daily europe/berlin", "daily +01:00", "daily Z", "daily Europe/", "daily /Berlin",
        "daily ../Berlin", "daily UTC/", "@-1", "@1.5", "@0x10", "@5 12:00", "@5  ", "@7258118400", "Mon@5", "*:١",
        "é", "*:0\u{301}", "*:" + String(repeating: "5,", count: 241) + "5",
    ]

    @Test func `what is no expression is refused, by systemd too`() throws {
        for (text, reply) in zip(
            Self.unsound, try SystemdAnalyze.calendar(Self.unsound, iterations: 1, base: 1_795_000_000))
        {
            #expect(reply == .refused, "\(text)")
            #expect(throws: CalendarExpression.Problem.self, "\(text)") {
                try CalendarExpression(parsing: text, zone: .utc)
            }
        }
        #expect((try? CalendarExpression(parsing: "*:" + String(repeating: "5,", count: 240) + "5", zone: .utc)) != nil)
    }

    @Test(arguments: [
        "daily CET", "daily EST", "daily Japan", "daily GMT", "daily posix/Europe/Berlin", "@ 5", "@+5",
    ])
    func `what systemd takes and we refuse on purpose is refused`(text: String) throws {
        #expect(try SystemdAnalyze.calendar([text], iterations: 1, base: 0)[0] != .refused)
        #expect(throws: CalendarExpression.Problem.self) { try CalendarExpression(parsing: text, zone: .utc) }
    }

    @Test func `days from the end may be listed up to the 28th, where systemd's limit falls`() throws {
        let text = "*-*~22,26"
        #expect(try CalendarExpression(parsing: text, zone: .utc).description == "*-*~22,26 00:00:00")
        #expect(try SystemdAnalyze.calendar([text], iterations: 1, base: 0)[0] == .refused)
    }

    @Test(
        arguments: [
            ("25:00", 1, "\"25\"", "an hour from 0 to 23", nil),
            ("Mon..Fri *-*-* 02:75", 19, "\"75\"", "a minute from 0 to 59", nil),
            ("*:*/5", 4, "\"/\"", "nothing after * in the minute", "*:0/5"),
            ("*-*/3-1", 4, "\"/\"", "nothing after * in the month", "*-1/3-1"),
            ("*:5-7", 4, "\"-\"", "the end of the time", "*:5..7"),
            ("22..2:00", 1, "\"22..2\"", "a range from the smaller to the greater", "22..23,0..2:00"),
            (
                "Sat..Mon 03:00", 1, "\"Sat..Mon\"", "a range within the week, which begins on Monday",
                "Mon,Sat..Sun 03:00"
            ),
            ("*:0/60", 5, "\"60\"", "a step that leads to another value of the minute", "*:0"),
            ("*:0/0", 5, "\"0\"", "a step above zero", nil),
            ("dayly", 1, "\"dayly\"", "a weekday, a date, a time or a word such as daily", "daily"),
            ("Tues 04:00", 1, "\"Tues\"", "a weekday, a date, a time or a word such as daily", "Tue 04:00"),
            ("Mon,Tues 04:00", 5, "\"Tues\"", "a weekday, such as Mon", "Mon,Tue 04:00"),
            ("Mon Tue", 5, "\"Tue\"", "weekdays in front, joined by commas, or a time zone", "Mon,Tue"),
            ("Mon, Tue", 6, "\"Tue\"", "weekdays in front, joined by commas, or a time zone", "Mon,Tue"),
            ("daily 12:00", 6, "a space", "nothing but a time zone after daily", "12:00"),
            ("daily ", 6, "a space", "nothing but a time zone after daily", "daily"),
            ("12", 3, "the end", "a - within a date or a : within a time", "12:00"),
            ("2026-12", 1, "\"2026\"", "a month from 1 to 12", "2026-12-01"),
            ("2026-05-05T12:00", 11, "\"T\"", "a space after the date, or its end", "2026-05-05 12:00"),
            ("12:00 ", 6, "a space", "nothing, or one space before a time zone", "12:00"),
            (" daily", 1, "a space", "the expression without a space before it", "daily"),
            ("Mon\tdaily", 4, "a tab", "a comma, a range or a space after the weekday", nil),
            ("", 1, "the end", "a calendar expression, such as daily or Mon..Fri 02:30", "daily"),
            (
                "daily Europe/Berln", 7, "\"Europe/Berln\"", "UTC or an IANA time zone, such as Europe/Berlin",
                "daily Europe/Berlin"
            ),
            ("02:30 berlin", 7, "\"berlin\"", "UTC or an IANA time zone, such as Europe/Berlin", "02:30 Europe/Berlin"),
            ("02:30 EST", 7, "\"EST\"", "the zone of a place, such as Europe/Berlin, rather than an abbreviation", nil),
            ("*:*:0.25..0.75", 5, "\"0.25..0.75\"", "a range of a second or more, or one with a step", nil),
            ("*:*:1.", 7, "the end", "the digits of a fraction", "*:*:1"),
            ("@1.5", 3, "\".\"", "nothing after the seconds", nil),
            ("1970-1-1 +1", 10, "\"+\"", "an hour from 0 to 23", nil),
        ] as [(String, Int, String, String, String?)])
    func `a complaint names the column, what stands there, what may, and what to write`(
        text: String, column: Int, found: String, expected: String, instead: String?
    ) throws {
        let problem = try #require(throws: CalendarExpression.Problem.self) {
            try CalendarExpression(parsing: text, zone: .utc)
        }
        #expect(problem.column == column)
        #expect(problem.found == found)
        #expect(problem.expected == expected)
        #expect(problem.instead == instead)
        if let instead { #expect(throws: Never.self) { try CalendarExpression(parsing: instead, zone: .utc) } }
    }

    @Test func `a complaint shows the expression with a caret under the place`() throws {
        let problem = try #require(throws: CalendarExpression.Problem.self) {
            try CalendarExpression(parsing: "Mon..Fri *-*-* *:*/5", zone: .utc)
        }
        #expect(
            problem.description == """
                expected nothing after * in the minute at column 19, found "/"; write Mon..Fri *-*-* *:0/5
                    Mon..Fri *-*-* *:*/5
                                      ^
                """
        )
    }

    @Test func `a hostile text is shown in part, on one line`() throws {
        let text = String(repeating: "1,", count: 100_000) + "\n:00"
        let problem = try #require(throws: CalendarExpression.Problem.self) {
            try CalendarExpression(parsing: text, zone: .utc)
        }
        #expect(problem.description.split(separator: "\n").count == 3)
        #expect(problem.description.count < 500)
    }

    @Test func `an expression is of its own zone, or of the one it was read with`() throws {
        let berlin = try #require(Zone("Europe/Berlin"))
        #expect(try CalendarExpression(parsing: "daily", zone: berlin).zone == berlin)
        #expect(try CalendarExpression(parsing: "daily", zone: berlin).description == "*-*-* 00:00:00")
        #expect(try CalendarExpression(parsing: "daily UTC", zone: berlin).zone == .utc)
        #expect(try CalendarExpression(parsing: "@5", zone: berlin).zone == .utc)
    }
}
