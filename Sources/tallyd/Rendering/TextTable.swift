/// Columns that stand under each other, whatever their texts hold.
struct TextTable {
    enum Alignment { case left, right }

    struct Column {
        let title: String
        let alignment: Alignment

        static func left(_ title: String) -> Column { Column(title: title, alignment: .left) }
        static func right(_ title: String) -> Column { Column(title: title, alignment: .right) }
    }

    let columns: [Column]
    var rows: [[String]] = []
    /// Stands below a rule, as totals do.
    var footer: [String]?

    /// A cell's longest text: an id of a thousand bytes must not push the numbers off the screen.
    private static let longest = 44

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Columns that the widest line takes.
    var width: Int { widths.reduce(0, +) + 2 * (columns.count - 1) }

    /// The lines without the last line break.
    ///
    /// - Parameter trailing: texts to stand right of the rows, by row.
    func lines(trailing: [String] = []) -> [String] {
        let widths = widths
        func line(_ cells: [String], _ trailer: String = "") -> String {
            let padded = zip(zip(cells, columns), widths).map { pair, width in
                let text = Self.cut(pair.0)
                let space = String(repeating: " ", count: max(0, width - Self.width(of: text)))
                return pair.1.alignment == .left ? text + space : space + text
            }
            let whole = padded.joined(separator: "  ") + (trailer.isEmpty ? "" : "  \(trailer)")
            return String(whole.reversed().drop { $0 == " " }.reversed())
        }
        var lines = [line(columns.map(\.title))]
        for (index, row) in rows.enumerated() {
            lines.append(line(row, trailing.indices.contains(index) ? trailing[index] : ""))
        }
        if let footer {
            lines.append(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "))
            lines.append(line(footer))
        }
        return lines
    }

    private var widths: [Int] {
        columns.indices.map { index in
            let cells =
                [columns[index].title]
                + (rows + [footer ?? []]).compactMap { $0.indices.contains(index) ? $0[index] : nil }
            return cells.map { Self.width(of: Self.cut($0)) }.max() ?? 0
        }
    }

    private static func cut(_ text: String) -> String {
        let text = text.printable
        return text.count > longest ? text.prefix(longest - 1) + "…" : text
    }

    /// Columns that a terminal gives the text: two for what East Asian Width (UAX #11) calls wide, and for pictures.
    static func width(of text: String) -> Int {
        text.reduce(0) { sum, character in
            guard let scalar = character.unicodeScalars.first?.value else { return sum }
            let isWide = wide.contains { $0.contains(scalar) }
            return sum + (isWide ? 2 : 1)
        }
    }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD,
    ]
}
