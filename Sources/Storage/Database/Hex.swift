import Crypto

/// Hexadecimal digits, always in lower case.
enum Hex {
    /// The digit of a value from 0 to 15.
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
    }

    /// The value of a digit; nil for every other byte, a digit in upper case included.
    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The 64 digits of a SHA-256.
    static func text(_ digest: SHA256Digest) -> String {
        String(decoding: digest.flatMap { [self.digit($0 >> 4), self.digit($0 & 15)] }, as: UTF8.self)
    }
}
