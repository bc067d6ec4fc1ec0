import Foundation
import GRDB

extension Compaction {
    /// What a rewrite would find now.
    package struct Plan: Sendable, Equatable {
        package let path: String
        package let space: FileSpace
        /// What the copy takes at the most, about.
        package let neededBytes: Int64
        /// Free bytes of the volume; nil where nobody can tell.
        package let roomBytes: Int64?
        /// Who has the file open, but for this process.
        package let users: FileUsers
        package let autoVacuum: FileSpace.AutoVacuum

        package var hasRoom: Bool { roomBytes.map { $0 >= neededBytes } ?? true }
    }

    /// Looks, and changes nothing.
    package func plan() throws -> Plan {
        let users = FileUsers.of(path, leavingOut: { _ in true })
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(1)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let space = try queue.read { db in try FileSpace.read(db) }
            try queue.close()
            return Plan(
                path: path, space: space, neededBytes: Self.neededBytes(for: space),
                roomBytes: room(PendingFile.folder(of: path)), users: users, autoVacuum: autoVacuum ?? space.autoVacuum)
        } catch {
            throw StorageError.wrapping(error, cannot: "look at", path)
        }
    }

    /// The pages in use, a hundredth more (pointer maps, rows of tables that SQLite packs otherwise), and what the audit row's log takes.
    static func neededBytes(for space: FileSpace) -> Int64 {
        space.usedBytes + space.usedBytes / 100 + 256 * 1_024
    }

    func checkRoom(for space: FileSpace) throws {
        let needed = Self.neededBytes(for: space)
        guard let free = room(PendingFile.folder(of: path)), free < needed else { return }
        throw StorageError(
            .full, cannot: "compact", path,
            because: "the copy takes about \(needed) bytes, and its volume has \(free) free",
            remedy: "Free \(needed - free) bytes there first; the copy stands beside the original until it replaces it."
        )
    }

    /// The names under which a tallyd may have the database: the given one, with its folder's links followed, and the one that it leads to where that
    /// is another.
    package static func names(of path: String) throws -> [String] {
        let real = try realPath(of: path)
        let folder = Store.folder(of: path)
        let realFolder = try realPath(of: folder.isEmpty ? "." : folder)
        let given = (realFolder == "/" ? "" : realFolder) + "/" + (path.split(separator: "/").last ?? "")
        return given == real ? [real] : [given, real]
    }

    /// The file that a name leads to, links followed.
    static func realPath(of path: String) throws -> String {
        guard let real = realpath(path, nil) else {
            throw StorageError(
                errno == EACCES ? .readOnly : .missing, cannot: "open", path, because: String(cString: strerror(errno)),
                remedy: "Check TALLYD_DATABASE or --database, and who may go through its folders.")
        }
        defer { free(real) }
        return String(cString: real)
    }
}

/// What a volume says of itself.
package enum Volume {
    /// Bytes that this user may still write into a folder's volume; nil where statvfs(3) has no answer.
    @Sendable package static func freeBytes(_ folder: String) -> Int64? {
        var facts = statvfs()
        guard statvfs(folder, &facts) == 0 else { return nil }
        return Int64(clamping: UInt64(facts.f_bavail) &* UInt64(facts.f_frsize))
    }
}
