import Foundation
import Testing

@testable import Storage

/// A name in JSON is found however it is spelt, and nothing else changes.
@Suite struct NamesInJSONTests {
    @Test(arguments: [
        (#"{"user":"ann"}"#, #"{"user":"X"}"#),
        (#"["ann", "bob", {"a": [1.50, "ann"]}]"#, #"["X", "bob", {"a": [1.50, "X"]}]"#),
        (#""ann""#, #""X""#),
        (#"{"a":"\u0061nn"}"#, #"{"a":"X"}"#),
        (#"{"a" : "ann" , "ann" : 1}"#, #"{"a" : "X" , "ann" : 1}"#),
        (#"{"a":"\\", "b":"ann"}"#, #"{"a":"\\", "b":"X"}"#),
        (#"{"a":"ann", broken"#, #"{"a":"X", broken"#),
    ])
    func `is replaced`(text: String, wanted: String) {
        #expect(NamesInJSON.replacing("ann", by: "X", in: text) == wanted)
    }

    @Test(arguments: [
        #"{"ann":1}"#, #"["anna"]"#, #"["Ann"]"#, "ann", "", "\"", #"{"a":"\"ann\""}"#, #"["ann"#, #"["ann\"]"#,
    ])
    func `is not there`(text: String) {
        #expect(NamesInJSON.replacing("ann", by: "X", in: text) == nil)
    }

    @Test func `a name with quotes and other letters is found in either spelling`() {
        let name = "a\"b\\ü"
        #expect(NamesInJSON.replacing(name, by: "X", in: #"["a\"b\\ü"]"#) == #"["X"]"#)
        #expect(NamesInJSON.replacing(name, by: "X", in: #"["a\u0022b\u005c\u00fc"]"#) == #"["X"]"#)
    }
}
