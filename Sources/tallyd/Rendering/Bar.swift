/// A horizontal bar of block characters, an eighth of a column fine.
enum Bar {
    private static let eighths: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    /// A bar for a share of the width; at least a sliver for whatever is not zero, as nothing at all would read as zero.
    ///
    /// - Parameter share: 0 to 1; what lies outside is cut.
    static func text(_ share: Double, width: Int) -> String {
        guard share > 0, width > 0 else { return "" }
        let steps = max(1, Int((min(share, 1) * Double(width) * 8).rounded()))
        let full = String(repeating: "█", count: steps / 8)
        return steps % 8 == 0 ? full : full + String(eighths[steps % 8 - 1])
    }
}
