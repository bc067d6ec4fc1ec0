/// What an archive holds, as counts and checksums of its lines and of its file.
package struct ArchiveDigest: Codable, Equatable, Sendable {
    /// Lines.
    package let rows: Int64
    /// Of the lines, newlines included, before compression.
    package let contentBytes: Int64
    /// Of the same, in hexadecimal: what `zstdcat FILE | sha256sum` prints.
    package let contentSHA256: String
    package let fileBytes: Int64
    /// In hexadecimal: what `sha256sum FILE` prints.
    package let fileSHA256: String

    package init(rows: Int64, contentBytes: Int64, contentSHA256: String, fileBytes: Int64, fileSHA256: String) {
        self.rows = rows
        self.contentBytes = contentBytes
        self.contentSHA256 = contentSHA256
        self.fileBytes = fileBytes
        self.fileSHA256 = fileSHA256
    }

    private enum CodingKeys: String, CodingKey {
        case rows
        case contentBytes = "content_bytes"
        case contentSHA256 = "content_sha256"
        case fileBytes = "file_bytes"
        case fileSHA256 = "file_sha256"
    }

    /// Each figure that is another than expected, for people; empty when all agree.
    func differences(from expected: ArchiveDigest) -> [String] {
        func compare<T: Equatable>(_ name: String, _ figure: KeyPath<ArchiveDigest, T>) -> String? {
            let (mine, other) = (self[keyPath: figure], expected[keyPath: figure])
            return mine == other ? nil : "\(name) is \(mine) instead of \(other)"
        }
        return [
            compare("its number of rows", \.rows), compare("its content's size in bytes", \.contentBytes),
            compare("its content's SHA-256", \.contentSHA256), compare("its size in bytes", \.fileBytes),
            compare("its SHA-256", \.fileSHA256),
        ].compactMap { $0 }
    }
}
