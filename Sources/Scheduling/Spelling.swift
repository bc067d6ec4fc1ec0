/// Guesses what a misspelt word was meant to be.
package enum Spelling {
    /// The candidate with the fewest typing errors, upper and lower case taken as equal; the first of several.
    ///
    /// Nil when none is near: beyond a third of the word's length, a guess misleads more often than it helps.
    /// Where one word begins with the other, it is near all the same: `warn` and `warning`, `interval` and
    /// `interval_seconds`.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        let letters = Array(word.lowercased())
        // The distance costs the product of the lengths, and a hostile value may be megabytes long.
        guard letters.count <= 100 else { return nil }
        let rated = candidates.map { (candidate: $0, distance: distance(letters, Array($0.lowercased()))) }
        guard let best = rated.min(by: { $0.distance < $1.distance }) else { return nil }
        if best.distance <= max(1, letters.count / 3) { return best.candidate }
        return candidates.first { candidate in
            let other = Array(candidate.lowercased())
            return min(letters.count, other.count) >= 3 && (letters.starts(with: other) || other.starts(with: letters))
        }
    }

    /// Insertions, removals, replacements and swaps of neighbours that turn one into the other (optimal string
    /// alignment).
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
