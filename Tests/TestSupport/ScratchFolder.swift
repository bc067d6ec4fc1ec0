package import Foundation

/// A folder of one test's own, gone with the value.
package final class ScratchFolder: Sendable {
    package let url: URL

    /// - Parameter purpose: a word of its name, for who finds what a killed test has left.
    package init(for purpose: String = "test") throws {
        url = FileManager.default.temporaryDirectory.appending(path: "tallyd-\(purpose)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// Of a file in it, which need not be there.
    package func path(_ name: String = "usage.db") -> String { url.appending(path: name).path }
}
