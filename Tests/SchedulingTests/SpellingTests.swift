import Testing

@testable import Scheduling

@Suite struct `Spelling of words` {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("interval", "intervla", 1),
        ("abc", "abc", 0),
        ("ca", "abc", 3),
    ])
    func `the distance counts typing errors`(left: String, right: String, errors: Int) {
        #expect(Spelling.distance(Array(left), Array(right)) == errors)
        #expect(Spelling.distance(Array(right), Array(left)) == errors)
    }

    @Test func `a word far from all has no neighbour`() {
        #expect(Spelling.nearest(to: "xyz", among: ["interval", "schedule"]) == nil)
        #expect(Spelling.nearest(to: "inter", among: []) == nil)
        #expect(
            Spelling.nearest(to: String(repeating: "a", count: 101), among: [String(repeating: "a", count: 101)]) == nil
        )
    }
}
