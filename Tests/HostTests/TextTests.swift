import Testing

@testable import Host

@Suite struct TextTests {
    private func whole(_ text: String) -> UInt64? {
        parse(text) { $0.wholeNumber(0..<$0.count) }
    }

    @Test func `a whole number is digits alone, up to what 64 bits hold`() {
        #expect(whole("0") == 0)
        #expect(whole("0019") == 19)
        #expect(whole("18446744073709551615") == .max)
        // The neighbours of 0 and 9 in ASCII are / and :.
        for text in ["", "18446744073709551616", "-1", "+1", "1/", "1:", "0x1", " 1", "1.0", "١"] {
            #expect(whole(text) == nil, "\(text)")
        }
    }

    @Test func `a fraction has a point and digits on both sides`() {
        func fraction(_ text: String) -> Double? { parse(text) { $0.fractionalNumber(0..<$0.count) } }
        #expect(fraction("7") == 7)
        #expect(fraction("0.07") == 0.07)
        #expect(fraction("100.000000000000000001") == 100)
        for text in ["", ".", "1.", ".5", "1.2.3", "1,5", "nan", "-0.1", "0.0000000000000000001"] {
            #expect(fraction(text) == nil, "\(text)")
        }
    }

    @Test func `lines come without their newlines, and the last one counts without one`() {
        func lines(_ text: String) -> [String] {
            var lines: [String] = []
            parse(text) { $0.forEachLine { lines.append($0.text(0..<$0.count)) } }
            return lines
        }
        #expect(lines("a\n\nb") == ["a", "", "b"])
        #expect(lines("a\n") == ["a"])
        #expect(lines("") == [])
    }

    @Test func `fields are parted by blanks and tabs, however many`() {
        let words = parse("  a\tbc   d ") { line in
            var walk = FieldWalk()
            var words: [String] = []
            while let word = walk.word(in: line) { words.append(word) }
            return words
        }
        #expect(words == ["a", "bc", "d"])
    }
}
