import Foundation

/// Who is at the other end of a Unix socket, as the kernel noted it at the connection.
struct ControlPeer: Hashable {
    let user: uid_t
    let groups: Set<gid_t>

    init(user: uid_t, groups: Set<gid_t>) {
        self.user = user
        self.groups = groups
    }

    /// Nil when the kernel does not say.
    init?(of descriptor: Int32) {
        // unix(7): struct ucred is process, user and group, 32 bits each.
        var credentials: [UInt32] = [0, 0, 0]
        var size = socklen_t(credentials.count * 4)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        // The supplementary groups, where the kernel tells (Linux 4.13); 65,536 is the most that a process has.
        var groups = [gid_t](repeating: 0, count: 65_536)
        var groupsSize = socklen_t(groups.count * 4)
        let hasGroups = getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &groupsSize) == 0
        self.init(
            user: credentials[1],
            groups: Set(hasGroups ? groups[..<Int(groupsSize / 4)] : []).union([credentials[2]]))
    }

    /// The daemon's own user, root, and the group that shares the database.
    ///
    /// - Parameters:
    ///   - owner: the daemon's user.
    ///   - group: the database's group; nil when it can't be told.
    ///   - nobody: what the kernel shows for every id that the daemon's user namespace lacks (PrivateUsers=). It stands
    ///     for anybody, so it proves nothing.
    func mayControl(owner: uid_t, group: gid_t?, nobody: UInt32) -> Bool {
        if user == owner || user == 0 { return true }
        return group.map { $0 != nobody && groups.contains($0) } ?? false
    }

    /// proc(5), /proc/sys/kernel/overflowgid; 65534 where it can't be read.
    static func nobody() -> UInt32 {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/overflowgid", encoding: .utf8)
        return text.flatMap { UInt32($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 65_534
    }

    /// A file's group, nil when the file can't be looked at.
    static func group(of path: String) -> gid_t? {
        var facts = stat()
        return stat(path, &facts) == 0 ? facts.st_gid : nil
    }
}
