import Foundation

/// An environment file of one test's own.
final class SettingsFile: Sendable {
    let path: String

    init(_ lines: String...) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "tallyd-\(UUID().uuidString).env").path
        try write(lines)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ lines: String...) throws { try write(lines) }

    private func write(_ lines: [String]) throws {
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(filePath: path))
    }
}
