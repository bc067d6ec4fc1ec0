import Scheduling
import Storage

/// The latest of each series as a table, with a sparkline where a terminal has the room.
enum MetricsText {
    /// How a terminal is drawn on.
    struct Canvas {
        /// Its columns.
        var width: Int
        var marks: Sparkline.Marks
    }

    /// Two minutes a column at the widest; narrower than the other, a line says nothing.
    private static let widestLine = 30
    private static let narrowestLine = 10

    /// - Parameters:
    ///   - match: what the names were asked to contain.
    ///   - canvas: nil for no terminal, hence no sparklines.
    static func lines(
        _ report: MetricsReport, match: String?, now: Instant, window: Duration, canvas: Canvas?
    ) -> [String] {
        var lines: [String] = []
        if report.series.isEmpty {
            lines = [
                match.map { "no metric's name contains \"\($0.printable)\": `tallyd metrics` lists all" }
                    ?? "no metrics yet: `tallyd run` writes them every TALLYD_METRICS_INTERVAL, a minute unless it is set"
            ]
        } else {
            lines = table(report.series, now: now, window: window, canvas: canvas)
        }
        if report.unusable > 0 {
            lines.append("\(Figures.count(report.unusable, "row")) with no number or no readable time not shown")
        }
        if !report.cut.isEmpty {
            let names = report.cut.prefix(5).map(\.printable).joined(separator: ", ")
            lines.append(
                "too many rows to read all of: \(names)\(report.cut.count > 5 ? " …" : ""); the newest are shown")
        }
        return lines
    }

    private static func table(
        _ series: [MetricSeries], now: Instant, window: Duration, canvas: Canvas?
    ) -> [String] {
        var table = TextTable([.left("metric"), .left("tags"), .right("latest"), .right("age")])
        let tags = tagTexts(series)
        table.rows = zip(series, tags).map { series, tags in
            [
                series.name, tags, MetricFigures.text(series.latest.value, unit: series.unit),
                Figures.age(series.latest.at, now: now),
            ]
        }
        let room = min((canvas?.width ?? 0) - table.width - 2, widestLine)
        guard let canvas, room >= narrowestLine else { return table.lines() }
        let start = Instant(milliseconds: now.milliseconds - Int64(window / .milliseconds(1)))
        return table.lines(
            trailing: series.map { Sparkline.text($0.recent, over: start...max(start, now), width: room, canvas.marks) }
        )
    }

    /// `state=used`: the keys' last words, and of a name with several series only those tags in which they differ. --json has them whole.
    static func tagTexts(_ series: [MetricSeries]) -> [String] {
        let byName = Dictionary(grouping: series, by: \.name)
        return series.map { one in
            let siblings = byName[one.name] ?? []
            let tags = one.tags.filter { key, value in
                siblings.count == 1 || !siblings.allSatisfy { $0.tags[key] == value }
            }.sorted { $0.key < $1.key }
            let words = tags.map { $0.key.split(separator: ".").last.map(String.init) ?? $0.key }
            let isClear = Set(words).count == words.count
            return zip(tags, words).map { "\(isClear ? $1 : $0.key)=\($0.value)" }.joined(separator: " ")
        }
    }
}
