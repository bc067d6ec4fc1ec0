/// A text that must not be shown: printing, interpolating, dumping or logging it gives "(set)".
///
/// Its content is read through `reveal()` only, so that a search for that word finds every place where a secret leaves
/// its wrapping.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let content: String

    package init(_ content: String) {
        self.content = content
    }

    package func reveal() -> String { content }

    package var description: String { "(set)" }
    package var debugDescription: String { "(set)" }
    /// No children: dump() and a failed test's report walk the mirror, not the description.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
