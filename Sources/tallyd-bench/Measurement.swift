import Foundation

/// One figure, with the bound that the project set itself, if any.
struct Measurement: Encodable {
    let scenario: String
    let what: String
    let value: Double
    let unit: String
    /// The smallest and the largest of the runs: how noisy the machine was.
    var spread: [Double]?
    var bound: String?

    static func table(_ measurements: [Measurement]) -> String {
        let cells = measurements.map { measurement in
            [
                measurement.scenario, measurement.what, "\(text(measurement.value)) \(measurement.unit)",
                measurement.spread.map { "\(text($0[0]))–\(text($0[1]))" } ?? "", measurement.bound ?? "",
            ]
        }
        let rows = [["scenario", "what", "median", "min–max", "bound"]] + cells
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    static func json(_ measurements: [Measurement]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(measurements), as: UTF8.self)
    }

    private static func text(_ value: Double) -> String {
        value >= 100 ? String(format: "%.0f", value) : String(format: "%.3g", value)
    }
}

extension [Double] {
    var median: Double {
        let ordered = sorted()
        return isEmpty ? .nan : (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
    }

    /// The smallest value that this many of a hundred do not exceed; above 0 and up to 100.
    func percentile(_ percent: Double) -> Double {
        let rank = Int((percent / 100 * Double(count)).rounded(.up))
        return isEmpty ? .nan : sorted()[Swift.max(rank, 1) - 1]
    }

    var spread: [Double]? {
        guard let least = self.min(), let most = self.max(), count > 1 else { return nil }
        return [least, most]
    }
}
