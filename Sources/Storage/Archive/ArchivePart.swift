/// An archive that rows may go by.
package struct ArchivePart: Sendable {
    let entry: ArchiveManifest.Entry
    /// Of one that this run wrote and that somebody else was then given: opened before that, as its file may be gone since.
    let opened: Opened?

    struct Opened: Sendable {
        let columns: [String]
        /// Read to its end first, and compared.
        let proof: ArchiveReader
        /// Read line by line after that.
        let lines: ArchiveReader
    }

    package var path: String { entry.path }
    package var part: Int { entry.part }

    /// Its lines, once its file is proven to be the one that was decoded, counted and hashed when it was recorded: days may lie between.
    ///
    /// - Throws: `StorageError` of kind `archiveDamaged` or `missing`.
    func verified(_ files: ArchiveFiles) throws -> (columns: [String], lines: ArchiveReader) {
        if let opened {
            try opened.proof.verifyFile(expected: entry.digest)
            return (opened.columns, opened.lines)
        }
        try ArchiveReader(path: path, files: files).verifyFile(expected: entry.digest)
        let columns = try ArchiveSidecar.read(for: path, files: files).columns
        return (columns, try ArchiveReader(path: path, files: files, sums: false))
    }
}
