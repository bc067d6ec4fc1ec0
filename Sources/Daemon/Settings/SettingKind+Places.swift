import Foundation
import Scheduling

extension SettingKind where Value == String {
    /// A file's path. It is not looked up here: whether the file serves is for its reader to say.
    static var path: Self {
        SettingKind(accepts: "a path", text: \.self) { text throws(SettingComplaint) in
            // SQLite would take these for a database of its own in memory, or for a URI, and a daemon would roll up
            // nothing, happily.
            if text.hasPrefix(":") || text.hasPrefix("file:") {
                throw SettingComplaint("is no path of a file; write the path alone, such as /var/lib/gateway/usage.db")
            }
            // A shell expands this; systemd's environment files do not.
            if text == "~" || text.hasPrefix("~/") {
                throw SettingComplaint("begins with ~, which nothing expands here; write the whole path")
            }
            return text
        }
    }

    /// A name of the IANA time zone database: `UTC`, or an area and a place.
    ///
    /// Foundation also takes abbreviations and offsets (`PST`, `GMT+2`). They are refused: an abbreviation belongs to
    /// several zones, an offset knows no summer time, and a day would be cut at an hour that nobody chose.
    static var timeZone: Self {
        SettingKind(accepts: "an IANA time zone", text: \.self) { text throws(SettingComplaint) in
            if text == "UTC" { return text }
            let isShort = !text.contains("/") && TimeZone(identifier: text) != nil
            if text.contains("/"), !text.contains("."), TimeZone(identifier: text) != nil { return text }
            let advice =
                Zone.nearest(to: text).map { "did you mean \($0)?" } ?? "write one such as Europe/Berlin, or UTC"
            throw SettingComplaint(
                isShort
                    ? "is an abbreviation or an offset; write the name of a place, such as Europe/Berlin, or UTC"
                    : "is no IANA time zone; \(advice)"
            )
        }
    }
}
