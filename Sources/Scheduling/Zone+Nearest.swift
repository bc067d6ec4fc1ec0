import Foundation

extension Zone {
    /// What somebody may have meant who wrote a name that is none of ours: the zone of a city alone, as people say it, else the nearest spelling.
    package static func nearest(to text: String) -> String? {
        let zones = TimeZone.knownTimeZoneIdentifiers.filter { $0.contains("/") } + ["UTC"]
        let word = text.replacing(" ", with: "_")
        let city = zones.first { $0.split(separator: "/").last?.lowercased() == word.lowercased() }
        return city ?? Spelling.nearest(to: word, among: zones)
    }
}
