import Foundation

/// Who has a database's files open, as /proc says (proc_pid_fd(5)).
///
/// As root it sees every process of its process namespace and of those below; as another user, that user's. So it finds a connection that holds no
/// lock, of which SQLite knows nothing, but that it finds nobody proves nothing by itself.
package struct FileUsers: Sendable, Equatable {
    package struct User: Sendable, Equatable, CustomStringConvertible {
        package let process: Int32
        /// The program's short name (comm).
        package let command: String

        package var description: String { "\(command) (process \(process))" }
    }

    package private(set) var users: [User] = []
    /// Processes whose files nobody may see.
    package private(set) var hidden = 0

    /// Files that belong to a database beside its own. Not a journal: that one is open only while its writer holds a lock.
    private static let parts = ["", "-wal", "-shm"]

    /// Looks again, for up to a second, while a child of this process is among them: between fork and exec it has every file of its parent's, those
    /// too that are to be closed on exec, and uses none.
    ///
    /// - Parameter isOurs: whether a descriptor of this very process is to be left out.
    static func of(_ database: String, leavingOut isOurs: (Int32) -> Bool) -> FileUsers {
        var found = look(database, leavingOut: isOurs)
        for _ in 0..<50 where found.users.contains(where: { isChild($0.process) }) {
            usleep(20_000)
            found = look(database, leavingOut: isOurs)
        }
        return found
    }

    /// Whether it was started by this process (or was a moment ago, and is gone).
    private static func isChild(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else { return true }
        return status.split(separator: "\n").contains("PPid:\t\(getpid())")
    }

    private static func look(_ database: String, leavingOut isOurs: (Int32) -> Bool) -> FileUsers {
        let files = parts.compactMap { FileIdentity(path: database + $0) }
        let own = getpid()
        var found = FileUsers()
        let manager = FileManager.default
        let processes = ((try? manager.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
        for process in processes.sorted() {
            guard let names = try? manager.contentsOfDirectory(atPath: "/proc/\(process)/fd") else {
                // Not one that has ended meanwhile.
                if manager.fileExists(atPath: "/proc/\(process)") { found.hidden += 1 }
                continue
            }
            var isHidden = false
            let uses = names.contains { name in
                guard let file = FileIdentity(path: "/proc/\(process)/fd/\(name)") else {
                    // Else it was closed meanwhile.
                    if errno == EACCES || errno == EPERM { isHidden = true }
                    return false
                }
                guard files.contains(where: file.isSameFile(as:)) else { return false }
                return process != own || !isOurs(Int32(name) ?? -1)
            }
            if isHidden, !uses { found.hidden += 1 }
            guard uses else { continue }
            let command = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
            found.users.append(
                User(process: process, command: command.isEmpty ? "a program" : String(command.dropLast())))
        }
        return found
    }
}
