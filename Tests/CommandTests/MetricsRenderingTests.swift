import Scheduling
import Storage
import Testing

@testable import tallyd

@Suite struct MetricsRenderingTests {
    private let now = Instant(milliseconds: 1_795_561_385_000)

    private func series(
        _ name: String, _ value: Double, _ unit: String?, _ tags: [String: String] = [:], age: Int64 = 5,
        recent: [Double] = []
    ) -> MetricSeries {
        let points = recent.enumerated().map { index, value in
            MetricSeries.Point(
                at: Instant(
                    milliseconds: now.milliseconds - 3_600_000 + Int64(index) * 3_600_000 / Int64(recent.count)),
                value: value)
        }
        return MetricSeries(
            name: name, unit: unit, tags: tags,
            latest: MetricSeries.Point(at: Instant(milliseconds: now.milliseconds - age * 1_000), value: value),
            recent: points)
    }

    private func text(_ report: MetricsReport, match: String? = nil, width: Int? = nil) -> [String] {
        MetricsText.lines(
            report, match: match, now: now, window: .seconds(3_600),
            canvas: width.map { MetricsText.Canvas(width: $0, marks: .blocks) })
    }

    @Test(
        arguments: [
            (1_572_864, "By", "1.5 MiB"), (0, "By", "0 B"), (-4_096, "By", "-4.0 KiB"), (0.125, "1", "12.5%"),
            (1, "1", "100.0%"), (0.0001, "1", "<0.1%"), (0, "1", "0.0%"), (0, "s", "0 s"), (0.0000421, "s", "42 µs"),
            (0.0025, "s", "2.5 ms"), (0.82, "s", "820 ms"), (1.5, "s", "1.50 s"), (75, "s", "75 s"),
            (11_100, "s", "185m"), (1_000_000, "s", "11d13h"), (3, "{cpu}", "3 cpu"),
            (12.34, "{request}/min", "12.3 request/min"), (0.012, "{USD}/min", "$0.012000/min"),
            (0, "{USD}/min", "$0/min"),
            (1_234_567, nil, "1,234,567"), (3, "requests", "3 requests"), (0.5, "", "0.500"), (1e300, "By", "1e+300 B"),
            (.infinity, "By", "inf"), (-.infinity, "s", "-inf"), (1e200, "s", "1e+200 s"),
        ] as [(Double, String?, String)])
    func `a value is shown in a unit for people`(value: Double, unit: String?, text: String) {
        #expect(MetricFigures.text(value, unit: unit) == text)
    }

    @Test func `of the tags those are shown in which the series of a name differ`() {
        let disk = { (state: String) in
            ["system.device": "/dev/sda1", "system.filesystem.state": state, "system.filesystem.type": "ext4"]
        }
        let list = [
            series("usage", 1, "By", disk("free")), series("usage", 2, "By", disk("used")),
            series("limit", 3, "By", ["system.device": "/dev/sda1"]), series("bare", 1, nil),
            series("clash", 1, nil, ["a.state": "1", "b.state": "2"]),
        ]
        #expect(
            MetricsText.tagTexts(list) == ["state=free", "state=used", "device=/dev/sda1", "", "a.state=1 b.state=2"])
    }

    @Test func `a table has value and age, and a line of the last hour where a terminal has the room`() {
        let report = MetricsReport(
            series: [
                series("a.load", 0.5, "1", recent: [0, 1, 2, 3]), series("b", 2, nil, ["x": "\u{1B}[31m"], age: 7_260),
            ], unusable: 0, cut: [])
        #expect(
            text(report) == [
                "metric  tags          latest   age", "a.load                 50.0%    5s",
                "b       x=\\u{1b}[31m       2  121m",
            ])
        let wide = text(report, width: 100)
        #expect(wide.first == text(report).first)
        #expect(wide[1].hasSuffix("5s  ▁      ▃       ▆      █"))
        #expect(text(report, width: 40) == text(report))
    }

    @Test func `a sparkline rises from the least to the greatest and leaves gaps where nothing was`() {
        let span = Instant(milliseconds: 0)...Instant(milliseconds: 80)
        func points(_ values: [(Int64, Double)]) -> [MetricSeries.Point] {
            values.map { MetricSeries.Point(at: Instant(milliseconds: $0.0), value: $0.1) }
        }
        let rising = points((0..<8).map { (Int64($0) * 10, Double($0)) })
        #expect(Sparkline.text(rising, over: span, width: 8) == "▁▂▃▄▅▆▇█")
        #expect(Sparkline.text(rising, over: span, width: 8, .ascii) == "_.-=+*#@")
        #expect(Sparkline.text(rising, over: span, width: 4) == "▁▃▆█")
        #expect(Sparkline.text(points([(0, 5), (80, 5)]), over: span, width: 4) == "▄  ▄")
        #expect(Sparkline.text(points([(0, -1e308), (79, 1e308)]), over: span, width: 2) == "▁█")
        #expect(Sparkline.text(points([(0, 1), (90, 9), (-1, 9)]), over: span, width: 2) == "▄ ")
        #expect(Sparkline.text(points([(0, .nan)]), over: span, width: 4) == "")
        #expect(Sparkline.text([], over: span, width: 4) == "")
    }

    @Test func `an empty answer says what to do`() {
        let none = MetricsReport(series: [], unusable: 0, cut: [])
        #expect(text(none).first?.contains("`tallyd run`") == true)
        #expect(text(none, match: "x\u{1B}") == ["no metric's name contains \"x\\u{1b}\": `tallyd metrics` lists all"])
        let odd = MetricsReport(series: [], unusable: 2, cut: ["m"])
        #expect(text(odd).count == 3)
    }

    @Test func `JSON has every tag and the values of the last hour`() throws {
        let report = MetricsReport(
            series: [series("a", 0.5, nil, ["k": "v"], recent: [1, 2])], unusable: 1, cut: ["b"])
        let json = try MetricsJSON.value(report, match: nil, now: now).text()
        #expect(json.contains("\"unit\" : null"))
        #expect(json.contains("\"k\" : \"v\""))
        #expect(json.contains("\"age_seconds\" : 5"))
        #expect(json.contains("\"unusable_rows\" : 1"))
        #expect(json.contains("\"cut_names\""))
    }

    @Test(
        arguments: [
            (["LANG": "C.UTF-8"], true), (["LANG": "de_DE.utf8"], true), (["LC_ALL": "C", "LANG": "C.UTF-8"], false),
            (["LC_ALL": "", "LC_CTYPE": "en_US.UTF-8"], true), ([:], false), (["LANG": "POSIX"], false),
        ] as [([String: String], Bool)])
    func `a terminal's locale decides on blocks`(environment: [String: String], showsUnicode: Bool) {
        #expect(Terminal.showsUnicode(environment) == showsUnicode)
    }
}
