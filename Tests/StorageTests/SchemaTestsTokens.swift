/// SQL text without what does not matter: comments, line breaks, spaces, and the case of words outside of quotes.
struct SQLTokens {
    let tokens: [String]

    init(_ sql: String) {
        var tokens: [String] = []
        var rest = Substring(sql)
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if rest.hasPrefix("--") {
                rest = rest.drop { !$0.isNewline }
            } else if first == "'" || first == "\"" {
                let body = rest.dropFirst().prefix { $0 != first }
                tokens.append(String(rest.prefix(body.count + 2)))
                rest = rest.dropFirst(body.count + 2)
            } else if Self.isWord(first) {
                let word = rest.prefix(while: Self.isWord)
                tokens.append(word.uppercased())
                rest = rest.dropFirst(word.count)
            } else {
                tokens.append(String(rest.removeFirst()))
            }
        }
        self.tokens = tokens
    }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "."
    }

    var text: String { tokens.joined(separator: " ") }

    /// Every CHECK with its parenthesised condition, and its constraint's name where it has one.
    var checks: [String] {
        tokens.indices.filter { tokens[$0] == "CHECK" }.map { start in
            var depth = 0
            var end = start + 1
            repeat {
                if tokens[end] == "(" { depth += 1 }
                if tokens[end] == ")" { depth -= 1 }
                end += 1
            } while depth > 0 && end < tokens.endIndex
            let isNamed = start >= 2 && tokens[start - 2] == "CONSTRAINT"
            return (isNamed ? tokens[start - 1] + ": " : "") + tokens[start..<end].joined(separator: " ")
        }
    }
}
