import Scheduling
import Testing

@testable import tallyd

@Suite struct JSONValueTests {
    @Test func `money keeps every digit`() throws {
        let money = Money(nanos: -12_345_678_901_234_567_890)
        #expect(JSONValue.dollars(money) == .string("-12345678901.234567890"))
        #expect(JSONValue.nanos(money) == .string("-12345678901234567890"))
    }

    @Test func `an integer beyond 64 bits is written in full`() throws {
        #expect(try JSONValue(Int128(Int64.max) + 1).text() == "9223372036854775808")
    }

    @Test func `what is absent is null, not missing`() throws {
        let value: JSONValue = ["holder": JSONValue(String?.none)]
        #expect(try value.text() == "{\n  \"holder\" : null\n}")
    }

    @Test func `control characters beyond ASCII are escaped`() throws {
        #expect(try JSONValue.string("a\u{9B}b\u{202E}").text() == "\"a\\u009bb\\u202e\"")
    }
}
