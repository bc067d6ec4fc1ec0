extension CalendarExpression {
    /// Where a text stops being a calendar expression, and what to write in its place.
    package struct Problem: Error, Hashable, CustomStringConvertible {
        /// The whole text that was read.
        package let expression: String
        /// Where it went wrong: in characters, 1 for the first; one past the last when the text ended too early.
        package let column: Int
        /// What stands there: "25", "a space" or "the end".
        package let found: String
        /// What may stand there: "an hour from 0 to 23".
        package let expected: String
        /// An expression that parses and may be what was meant.
        package let instead: String?

        /// The sentence without the picture: "expected an hour from 0 to 23 at column 1, found 25; write 23:00".
        package var sentence: String {
            "expected \(expected) at column \(column), found \(found)" + (instead.map { "; write \($0)" } ?? "")
        }

        /// The sentence, the expression, and a caret under the place.
        package var description: String {
            // A hostile text may be megabytes long, and a line break would tear the caret from its place.
            let width = 100
            let start = max(0, column - 1 - width / 2)
            let window = expression.dropFirst(start).prefix(width).map { $0.isWhitespace ? " " : $0 }
            return """
                \(sentence)
                    \(String(window))
                    \(String(repeating: " ", count: column - 1 - start))^
                """
        }
    }
}
