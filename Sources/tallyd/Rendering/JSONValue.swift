import Foundation
import Scheduling

/// A JSON value with its keys written out where it is made, so that what scripts depend on can be read in one place, and is there (as null) also
/// when there is nothing to say.
enum JSONValue: Encodable, Equatable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    /// Every digit of it: a reader of doubles is exact up to 2^53.
    case integer(Int128)
    case number(Double)
    case bool(Bool)
    case null

    init(_ value: (some BinaryInteger)?) { self = value.map { .integer(Int128($0)) } ?? .null }
    init(_ value: Double?) { self = value.map { .number($0) } ?? .null }
    init(_ value: String?) { self = value.map { .string($0) } ?? .null }
    /// As JavaScript's toISOString.
    init(_ value: Instant?) { self.init(value?.description) }
    init(_ value: Day?) { self.init(value?.description) }
    init(_ values: [JSONValue]) { self = .array(values) }

    /// Dollars with nine decimals, as text, since no reader's number type holds them exactly.
    static func dollars(_ money: Money) -> JSONValue {
        .string(money.description.filter { $0 != "$" })
    }

    /// Nano-dollars, 128 bits wide in this program, hence digits in a text.
    static func nanos(_ money: Money) -> JSONValue {
        .string(String(money.nanos))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .object(let members): try container.encode(members)
        case .array(let values): try container.encode(values)
        case .string(let text): try container.encode(text)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .bool(let value): try container.encode(value)
        case .null: try container.encodeNil()
        }
    }

    /// Indented, keys in order. Control characters that JSON allows in the open are escaped all the same: this may go to a terminal.
    func text() throws -> String { try text([.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) }

    /// The same without a line break, for one of many.
    func line() throws -> String { try text([.sortedKeys, .withoutEscapingSlashes]) }

    private func text(_ formatting: JSONEncoder.OutputFormatting) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let plain = String(decoding: try encoder.encode(self), as: UTF8.self)
        // Line breaks are the only control characters that the encoder leaves outside of texts; all treacherous ones are below U+10000.
        return plain.unicodeScalars.map { scalar in
            guard scalar.isTreacherous, scalar != "\n" else { return String(scalar) }
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}
