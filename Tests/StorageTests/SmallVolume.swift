import Foundation
import TestSupport

/// A volume of two megabytes in memory, mounted for one test.
final class SmallVolume {
    struct MountFailed: Error {}

    let path: String

    init(in folder: URL) throws {
        path = folder.appending(path: "volume").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Self.mount(["-t", "tmpfs", "-o", "size=2m", "tmpfs", path]) else { throw MountFailed() }
    }

    deinit {
        _ = Self.run("umount", ["-l", path])
    }

    func makeReadOnly() throws {
        guard Self.mount(["-o", "remount,ro", path]) else { throw MountFailed() }
    }

    /// Fills the volume with a file, but for so many bytes. Returns the file's path.
    func fill(leaving bytes: Int) throws -> String {
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: path)
        let free = (attributes[.systemFreeSize] as? NSNumber)?.intValue ?? 0
        let ballast = path + "/ballast"
        try Data(count: max(0, free - bytes)).write(to: URL(filePath: ballast))
        return ballast
    }

    /// Found out by trying: being root is not enough in every container.
    static let isPossible: Bool = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-volume-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        return geteuid() == 0 && (try? SmallVolume(in: folder)) != nil
    }()

    private static func mount(_ arguments: [String]) -> Bool { run("mount", arguments) }

    private static func run(_ command: String, _ arguments: [String]) -> Bool {
        (try? ToolRun(command, arguments))?.status == 0
    }
}
