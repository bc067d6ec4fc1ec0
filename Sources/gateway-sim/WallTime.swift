import Foundation

/// A moment by the calendar: milliseconds since 1970 in UTC. Writes itself in the forms that gateways leave behind.
struct WallTime {
    var milliseconds: Int64

    static func now() -> WallTime {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return WallTime(milliseconds: Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000)
    }

    /// The calendar's fields in UTC.
    var fields: tm {
        var seconds = time_t(milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000)
        var fields = tm()
        gmtime_r(&seconds, &fields)
        return fields
    }

    /// `2026-11-23T22:31:07.123Z`, as JavaScript's toISOString writes it.
    var javaScript: String {
        let fraction = Int32(((milliseconds % 1_000) + 1_000) % 1_000)
        return written(separator: "T", fraction: fraction, suffix: "Z")
    }

    /// `2026-11-23 22:31:07`, as SQLite's CURRENT_TIMESTAMP writes it.
    var sqlite: String {
        written(separator: " ", fraction: nil, suffix: "")
    }

    /// The same moment on a clock two hours ahead: `2026-11-24T00:31:07+02:00`.
    var twoHoursAhead: String {
        WallTime(milliseconds: milliseconds + 7_200_000).written(separator: "T", fraction: nil, suffix: "+02:00")
    }

    /// Digits written one by one: a formatter would take longer than the INSERT that the text is for.
    private func written(separator: Unicode.Scalar, fraction: Int32?, suffix: StaticString) -> String {
        let fields = fields
        return String(unsafeUninitializedCapacity: 32) { buffer in
            var end = 0
            func append(_ byte: UInt8) {
                buffer[end] = byte
                end += 1
            }
            func append(_ number: Int32, digits: Int) {
                var rest = number
                for place in stride(from: end + digits - 1, through: end, by: -1) {
                    buffer[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                    rest /= 10
                }
                end += digits
            }
            append(fields.tm_year + 1_900, digits: 4)
            append(UInt8(ascii: "-"))
            append(fields.tm_mon + 1, digits: 2)
            append(UInt8(ascii: "-"))
            append(fields.tm_mday, digits: 2)
            append(UInt8(ascii: separator))
            append(fields.tm_hour, digits: 2)
            append(UInt8(ascii: ":"))
            append(fields.tm_min, digits: 2)
            append(UInt8(ascii: ":"))
            append(fields.tm_sec, digits: 2)
            if let fraction {
                append(UInt8(ascii: "."))
                append(fraction, digits: 3)
            }
            suffix.withUTF8Buffer { $0.forEach(append) }
            return end
        }
    }
}
