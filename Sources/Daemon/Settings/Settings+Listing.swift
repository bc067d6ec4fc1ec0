extension Settings {
    /// Every setting with its value and where that comes from, in the order of the table: what `tallyd config check`
    /// prints.
    package struct Listing: Hashable, Sendable {
        package struct Entry: Hashable, Sendable {
            package let name: String
            /// In its canonical text; "(set)" for a secret, "(not set)" where there is neither a value nor a default.
            package let value: String
            package let source: SettingSource
            package let meaning: String
            /// The values it takes, in words.
            package let accepts: String
        }

        package internal(set) var entries: [Entry] = []

        /// This listing, with the entries of these names as another one has them.
        func taking(_ names: Set<String>, of other: Listing) -> Listing {
            let taken = Dictionary(other.entries.map { ($0.name, $0) }) { first, _ in first }
            return Listing(entries: entries.map { names.contains($0.name) ? taken[$0.name] ?? $0 : $0 })
        }
    }
}
