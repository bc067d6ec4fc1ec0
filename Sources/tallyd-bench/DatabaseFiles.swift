import Foundation

/// The database and its log at one moment, to tell whether anything was written meanwhile.
struct DatabaseFiles {
    private let contents: [String]
    private let stamps: [Stamp]

    struct Stamp: Equatable {
        let bytes: Int64
        let modifiedNanoseconds: Int64
    }

    init(_ path: String) throws {
        contents = try Self.paths(path).map { file in
            let child = try ChildProcess.run("sha256sum", [file])
            guard child.status == 0 else { throw BenchError("can't read \(file): \(child.output)") }
            return child.output
        }
        stamps = try Self.stamps(path)
    }

    static func stamps(_ path: String) throws -> [Stamp] {
        try paths(path).map { file in
            var found = stat()
            guard stat(file, &found) == 0 else {
                throw BenchError("can't look at \(file): \(String(cString: strerror(errno)))")
            }
            let time = found.st_mtim
            return Stamp(
                bytes: Int64(found.st_size),
                modifiedNanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
        }
    }

    /// How many of the files differ, in contents, size or time.
    func differences(from other: DatabaseFiles) -> Int {
        contents.indices.filter { contents[$0] != other.contents[$0] || stamps[$0] != other.stamps[$0] }.count
    }

    private static func paths(_ path: String) -> [String] { [path, path + "-wal"] }
}
