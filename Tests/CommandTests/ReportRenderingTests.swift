import Scheduling
import Testing

@testable import tallyd

@Suite struct ReportRenderingTests {
    @Test func `a CSV field with a comma, a quote or a line break is quoted and its quotes are doubled`() {
        #expect(ReportCSV.field("plain") == "plain")
        #expect(ReportCSV.field("a,b") == "\"a,b\"")
        #expect(ReportCSV.field("say \"hi\"") == "\"say \"\"hi\"\"\"")
        #expect(ReportCSV.field("two\r\nlines") == "\"two\r\nlines\"")
    }

    @Test func `a bar is an eighth of a column fine and never nothing for what is not zero`() {
        #expect(Bar.text(0, width: 10) == "")
        #expect(Bar.text(1e-9, width: 10) == "▏")
        #expect(Bar.text(0.5, width: 1) == "▌")
        #expect(Bar.text(1, width: 3) == "███")
        #expect(Bar.text(7, width: 3) == "███")
    }

    @Test func `a wide character takes two columns of a table`() {
        var table = TextTable([.left("model"), .right("requests")])
        table.rows = [["模型", "1"], ["m", "20"]]
        #expect(table.lines() == ["model  requests", "模型          1", "m            20"])
    }

    @Test func `a table spells out what would act on a terminal`() {
        var table = TextTable([.left("user")])
        table.rows = [["a\u{1B}[31m"], ["b\u{202E}c"]]
        #expect(table.lines().dropFirst() == ["a\\u{1b}[31m", "b\\u{202e}c"])
    }

    @Test(arguments: [(999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"), (0, "0")])
    func `counts are grouped by thousands`(value: Int, text: String) {
        #expect(Figures.count(value) == text)
    }

    @Test func `a few failures among many are not none`() {
        #expect(Figures.percent(1, of: 1_000_000) == "<0.1%")
        #expect(Figures.percent(0, of: 10) == "0.0%")
        #expect(Figures.percent(0, of: 0) == "–")
    }
}
