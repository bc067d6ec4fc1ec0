import Foundation
import TestSupport

/// Ten mebibytes of zeros in some ten kibibytes, made by the gzip command.
enum GzipBomb {
    static func bytes() async throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-bomb-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "zeros")
        try Data(count: 10 * 1_024 * 1_024).write(to: file)
        let run = try await ToolRun.run("gzip", [file.path])
        guard run.status == 0 else { throw CocoaError(.featureUnsupported) }
        return Array(try Data(contentsOf: file.appendingPathExtension("gz")))
    }
}
