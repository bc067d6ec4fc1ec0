import Glibc

/// Which file a name leads to, whose it is, and who may use it: what stat(2) says.
struct FileIdentity: Sendable, Equatable {
    let device: UInt64
    let inode: UInt64
    let owner: uid_t
    let group: gid_t
    /// The permission bits, set-id and sticky bits included.
    let mode: mode_t
    /// How many names it has.
    let names: UInt64
    let isRegular: Bool
    /// Its length.
    let bytes: Int64

    /// Nil where there is no such file, or nobody may look.
    init?(path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        self.init(facts)
    }

    init?(descriptor: Int32) {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return nil }
        self.init(facts)
    }

    private init(_ facts: stat) {
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
        owner = facts.st_uid
        group = facts.st_gid
        mode = facts.st_mode & 0o7777
        names = UInt64(facts.st_nlink)
        isRegular = facts.st_mode & S_IFMT == S_IFREG
        bytes = Int64(facts.st_size)
    }

    func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }
}
