import Scheduling
import Storage

/// A series over a span of time, drawn on one line: the higher a mark, the higher the mean of what falls into its column.
enum Sparkline {
    /// What is drawn with, from low to high.
    enum Marks {
        case blocks
        /// For a terminal whose locale is not UTF-8.
        case ascii

        fileprivate var ramp: [Character] {
            switch self {
            case .blocks: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
            case .ascii: ["_", ".", "-", "=", "+", "*", "#", "@"]
            }
        }
    }

    /// The lowest mark is the series' least mean, the highest its greatest; one that stands still is drawn in the middle. A column without a
    /// point is a space, at the end too, so that lines stand under each other.
    ///
    /// - Parameters:
    ///   - span: from the left edge to the right one.
    ///   - width: columns.
    static func text(
        _ points: [MetricSeries.Point], over span: ClosedRange<Instant>, width: Int, _ marks: Marks = .blocks
    ) -> String {
        guard width > 0 else { return "" }
        let length = max(1, span.upperBound.milliseconds - span.lowerBound.milliseconds)
        var sums = [(sum: Double, count: Int)](repeating: (0, 0), count: width)
        for point in points where span.contains(point.at) && point.value.isFinite {
            let offset = Double(point.at.milliseconds - span.lowerBound.milliseconds)
            let column = min(width - 1, Int(offset / Double(length) * Double(width)))
            sums[column] = (sums[column].sum + point.value, sums[column].count + 1)
        }
        let means = sums.map { $0.count == 0 ? nil : $0.sum / Double($0.count) }
        let known = means.compactMap(\.self).filter(\.isFinite)
        guard let least = known.min(), let greatest = known.max() else { return "" }
        let ramp = marks.ramp
        return String(
            means.map { mean -> Character in
                guard let mean, mean.isFinite else { return " " }
                guard greatest > least else { return ramp[ramp.count / 2 - 1] }
                // Halved first: the difference of two finite numbers may be infinite.
                let share = (mean / 2 - least / 2) / (greatest / 2 - least / 2)
                return ramp[min(ramp.count - 1, Int(share * Double(ramp.count)))]
            })
    }
}
