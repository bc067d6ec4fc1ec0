/// The mount that holds a path, and that of cgroup v2, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
package struct MountInfo: Sendable, Equatable {
    package struct Mount: Sendable, Equatable {
        package var device: DeviceNumber
        /// The folder of the file system that is seen at the mount point: `/`, but for bind mounts and containers.
        package var root: String
        package var mountPoint: String
        package var isReadOnly: Bool
        package var type: String
        /// What was mounted, `/dev/vda1`.
        package var source: String
    }

    /// The mount of the path that was asked for.
    package var volume: Mount?
    package var cgroup: Mount?

    /// Looks for the mount that holds `path` (absolute, without symbolic links), which has `device` by stat(2).
    ///
    /// That's the longest mount point above the path; of equal ones the last, which covers the others. One whose device is that
    /// of the path goes before longer ones that don't (they're covered). Btrfs shows other numbers here than in stat, so it
    /// comes down to the length. Nil where no line is that of a mount.
    init?(_ text: Span<UInt8>, path: String?, device: DeviceNumber?) {
        var (matching, longest, cgroup): (Mount?, Mount?, Mount?)
        var isAny = false
        text.forEachLine { line in
            guard let mount = Mount(line) else { return }
            isAny = true
            // The first of them: the host's, where a tool has mounted it again elsewhere.
            if cgroup == nil, mount.type == "cgroup2" { cgroup = mount }
            guard let path, mount.holds(path) else { return }
            if mount.mountPoint.utf8.count >= longest?.mountPoint.utf8.count ?? 0 { longest = mount }
            if mount.device == device, mount.mountPoint.utf8.count >= matching?.mountPoint.utf8.count ?? 0 {
                matching = mount
            }
        }
        guard isAny else { return nil }
        volume = matching ?? longest
        self.cgroup = cgroup
    }
}

extension MountInfo.Mount {
    fileprivate init?(_ line: Span<UInt8>) {
        var walk = FieldWalk()
        walk.skip(2, in: line)
        guard let numbers = walk.next(in: line), let device = DeviceNumber(numbers, of: line),
            let root = walk.word(in: line), let point = walk.word(in: line), let options = walk.word(in: line)
        else { return nil }
        // Any number of optional fields, up to a hyphen.
        while let field = walk.next(in: line) {
            guard field.count == 1, line[field.lowerBound] == UInt8(ascii: "-") else { continue }
            guard let type = walk.word(in: line), let source = walk.word(in: line) else { return nil }
            self.init(
                device: device, root: Self.unescaped(root), mountPoint: Self.unescaped(point),
                isReadOnly: options == "ro" || options.hasPrefix("ro,"), type: type, source: Self.unescaped(source))
            return
        }
        return nil
    }

    func holds(_ path: String) -> Bool {
        mountPoint == "/" || path == mountPoint || path.hasPrefix(mountPoint + "/")
    }

    /// Blank, tab, newline and backslash stand as three octal digits after a backslash.
    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, let code = UInt8(String(Substring(digits)), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
