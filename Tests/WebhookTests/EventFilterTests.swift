import Foundation
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `Event filters` {
    private static func matches(_ json: String, _ type: String) throws -> Bool {
        try EventFilter(json: json).matches(EventType(type))
    }

    @Test func `exact types, groups and all`() throws {
        #expect(try Self.matches(#"["usage.day_sealed"]"#, "usage.day_sealed"))
        #expect(try !Self.matches(#"["usage.day_sealed"]"#, "usage.day_sealed.x"))
        #expect(try !Self.matches(#"["usage.day_sealed"]"#, "usage.day_seale"))
        #expect(try Self.matches(#"["usage.*"]"#, "usage.day_sealed"))
        #expect(try Self.matches(#"["usage.*"]"#, "usage.a.b.c"))
        #expect(try Self.matches(#"["a.b.*"]"#, "a.b.c"))
        #expect(try !Self.matches(#"["a.b.*"]"#, "a.bc.d"))
        #expect(try !Self.matches(#"["usage.*"]"#, "usage"))
        #expect(try !Self.matches(#"["usage.*"]"#, "usages.x"))
        #expect(try Self.matches(#" [ "x" , "\u002a" ] "#, "anything.at_all"))
        #expect(try !Self.matches("[]", "x"))
        #expect(try !Self.matches(#"["Usage.*"]"#, "usage.x"))
    }

    @Test(arguments: [
        ("", "events_not_json"), ("[", "events_not_json"), ("usage.*", "events_not_json"),
        ("[\"a\"] x", "events_not_json"),
        ("null", "events_not_an_array"), ("\"usage.*\"", "events_not_an_array"), ("{}", "events_not_an_array"),
        ("{\"a\":[\"*\"]}", "events_not_an_array"), ("1", "events_not_an_array"), ("[1]", "events_entry_not_text"),
        ("[null]", "events_entry_not_text"), ("[true]", "events_entry_not_text"),
        ("[[\"*\"]]", "events_entry_not_text"),
        ("[\"\"]", "events_entry_malformed"), ("[\"**\"]", "events_entry_malformed"),
        ("[\".*\"]", "events_entry_malformed"),
        ("[\"*.sealed\"]", "events_entry_malformed"), ("[\"usage.*.x\"]", "events_entry_malformed"),
        ("[\"usage*\"]", "events_entry_malformed"), ("[\"usage.\"]", "events_entry_malformed"),
        ("[\"*.*\"]", "events_entry_malformed"), ("[\" *\"]", "events_entry_malformed"),
        ("[\"a b\"]", "events_entry_malformed"),
        ("[" + Array(repeating: "\"a\"", count: 1_001).joined(separator: ",") + "]", "events_too_many"),
        ("[\"" + String(repeating: "a", count: 65_536) + "\"]", "events_too_long"),
    ])
    func `anything else is a defect by name`(json: String, name: String) {
        #expect(#expect(throws: Defect.self) { try EventFilter(json: json) }?.name == name)
    }

    @Test func `it agrees with a search through all entries`() throws {
        var random = SplitMix64(for: "event filters")
        func type() -> String {
            (0..<Int.random(in: 1...3, using: &random)).map { _ in
                ["a", "b", "aa"][Int.random(in: 0..<3, using: &random)]
            }
            .joined(separator: ".")
        }
        var matched = 0
        for _ in 0..<5_000 {
            let entries = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                let entry = type()
                return Int.random(in: 0..<20, using: &random) == 0
                    ? "*" : entry + (Bool.random(using: &random) ? ".*" : "")
            }
            let wanted = type()
            let expected = entries.contains {
                $0 == "*" || $0 == wanted || $0.hasSuffix(".*") && wanted.hasPrefix($0.dropLast())
            }
            let json = String(decoding: try JSONSerialization.data(withJSONObject: entries), as: UTF8.self)
            #expect(try Self.matches(json, wanted) == expected, "\(json) \(wanted)")
            if expected { matched += 1 }
        }
        #expect(matched > 300)
    }
}
