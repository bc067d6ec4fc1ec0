import Glibc

/// Why a file gave nothing.
struct FileProblem: Error, Equatable {
    var reason: String
    /// The file isn't there, which for some files is an answer.
    var isAbsent = false

    static func system(_ code: Int32) -> FileProblem {
        FileProblem(reason: String(cString: strerror(code)), isAbsent: code == ENOENT)
    }
}

/// Reads small files one after the other into one buffer, with four system calls each.
struct FileReader: ~Copyable {
    private var buffer = [UInt8](repeating: 0, count: 16_384)

    /// A host with thousands of mounts has a mountinfo of a megabyte. Past this, something is wrong.
    static let largest = 8_388_608

    /// Calls `body` with the whole file's bytes, which are gone after that.
    mutating func read<Value>(_ path: String, _ body: (Span<UInt8>) -> Value) throws(FileProblem) -> Value {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .system(errno) }
        defer { close(file) }
        var filled = 0
        while true {
            if filled == buffer.count {
                guard filled < Self.largest else { throw FileProblem(reason: "is longer than \(filled) bytes") }
                buffer += [UInt8](repeating: 0, count: filled)
            }
            let count = buffer.withUnsafeMutableBytes { bytes in
                Glibc.read(file, bytes.baseAddress?.advanced(by: filled), bytes.count - filled)
            }
            // Only an end of zero bytes is the end: /proc hands long files out in pieces.
            if count == 0 { return body(buffer.span.extracting(0..<filled)) }
            if count < 0, errno != EINTR { throw .system(errno) }
            if count > 0 { filled += count }
        }
    }
}
