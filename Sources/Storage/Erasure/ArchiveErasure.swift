import Foundation

/// One archive file without a person: read line by line, by the columns that its sidecar names.
struct ArchiveErasure: Sendable {
    let entry: ArchiveManifest.Entry
    let user: String
    let exceptions: Erasure.Exceptions
    let files: ArchiveFiles

    /// What becomes of a line.
    enum Line {
        case kept
        case changed([ArchiveValue])
        case dropped
    }

    /// What a file holds, told by its lines.
    struct Contents: Equatable {
        var rows: Int64 = 0
        /// By the names that the sidecar sums.
        var sums: [String: Int64] = [:]
        /// Lines that are the person's or name them.
        var lines = 0
        /// Lines under the pseudonym.
        var pseudonyms = 0

        mutating func add(_ values: [ArchiveValue], _ columns: [String]) {
            rows += 1
            for name in sums.keys {
                guard let index = columns.firstIndex(of: name), case .integer(let number) = values[index] else {
                    continue
                }
                sums[name, default: 0] &+= number
            }
        }

        /// With the sidecar's sums that are sums of a column.
        init(_ sidecar: ArchiveSidecar) {
            sums = sidecar.sums.filter { sidecar.columns.contains($0.key) }.mapValues { _ in 0 }
        }
    }

    /// Reads the file to its end, compares it with what is on record, and counts the lines that concern the person.
    func count() throws -> Int {
        let sidecar = try readSidecar()
        let decoder = ArchiveLine(columns: sidecar.columns)
        let reader = try ArchiveReader(path: entry.path, files: files)
        let judge = Judge(self, sidecar, pseudonym: "")
        var lines = 0
        try reader.forEachLine { bytes in
            guard judge.mayConcern(bytes) else { return }
            if case .kept = judge.verdict(on: try decoder.values(of: bytes)) { return }
            lines += 1
        }
        try checkRead(reader)
        return lines
    }

    /// What a rewritten file is, or nil where no line was left.
    struct Rewritten: Sendable {
        let path: String
        let digest: ArchiveDigest
        let sums: [String: Int64]
        let lines: Int
        let sidecarSHA256: String
    }

    /// Writes the file anew, under a name of its own, reads it back, and publishes it with its sidecar. The old one stays as it is.
    func rewrite(pseudonym: String) throws -> Rewritten? {
        let sidecar = try readSidecar()
        let path = Self.nextPath(entry.path)
        let writer = try ArchiveWriter(path: path, files: files)
        do {
            let written = try copy(sidecar, pseudonym, to: writer)
            guard written.rows > 0 else {
                writer.abandon()
                return nil
            }
            let digest = try writer.finish()
            try check(PendingFile.temporaryPath(for: path), sidecar, digest, written, pseudonym)
            try ArchiveWriter.publish(path: path, files: files)
            let sums = sidecar.sums.merging(written.sums) { _, new in new }
            // Where rows went, the ids stay what they were: bounds of those that are left.
            let next = ArchiveSidecar(
                table: sidecar.table, day: sidecar.day, zone: sidecar.zone, columns: sidecar.columns,
                firstID: sidecar.firstID, lastID: sidecar.lastID, sums: sums, digest: digest,
                schemaVersion: sidecar.schemaVersion, createdAtMilliseconds: sidecar.createdAtMilliseconds,
                part: sidecar.part)
            let sha256 = try next.write(for: path, files: files)
            return Rewritten(
                path: path, digest: digest, sums: sums, lines: written.lines, sidecarSHA256: sha256)
        } catch {
            writer.abandon()
            throw error
        }
    }

    /// Removes a file that was written anew, and its sidecar, for good. That they are gone already is no error.
    static func remove(_ path: String, files: ArchiveFiles) throws {
        for name in [ArchiveSidecar.path(for: path), path] {
            do {
                try files.unlink(name)
            } catch  where error.code == ENOENT {
                continue
            } catch {
                throw StorageError.wrapping(error, cannot: "remove", archive: name)
            }
        }
        let folder = PendingFile.folder(of: path)
        do {
            let opened = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.openFolder(folder) }
            defer { try? files.close(opened) }
            try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.fsync(opened) }
        } catch {
            throw StorageError.wrapping(error, cannot: "bring to the disk the folder", archive: folder)
        }
    }

    /// `DAY.jsonl.zst` becomes `DAY.e1.jsonl.zst`, and that `DAY.e2.jsonl.zst`. The same for the same file, so that what a crash left is written over.
    static func nextPath(_ path: String) -> String {
        let ending = ".jsonl.zst"
        guard path.hasSuffix(ending) else { return path + ".e1" }
        let stem = path.dropLast(ending.count)
        if let mark = stem.range(of: ".e", options: .backwards), let number = Int(stem[mark.upperBound...]) {
            return "\(stem[..<mark.lowerBound]).e\(number + 1)\(ending)"
        }
        return "\(stem).e1\(ending)"
    }

    // MARK: Reading and writing

    private func readSidecar() throws -> ArchiveSidecar {
        let sidecar = try ArchiveSidecar.read(for: entry.path, files: files)
        guard sidecar.table == entry.table, sidecar.digest == entry.digest else {
            throw StorageError(
                .archiveDamaged, cannot: "read", ArchiveSidecar.path(for: entry.path),
                because: "it tells of another file than the one on record",
                remedy: "Restore the file and its sidecar from a copy.")
        }
        return sidecar
    }

    private func checkRead(_ reader: ArchiveReader) throws {
        let differences = reader.digest?.differences(from: entry.digest) ?? ["its end was not reached"]
        guard differences.isEmpty else {
            throw StorageError(
                .archiveDamaged, cannot: "read", entry.path, because: differences.joined(separator: ", "),
                remedy: "Restore the file from a copy.")
        }
    }

    private func copy(_ sidecar: ArchiveSidecar, _ pseudonym: String, to writer: ArchiveWriter) throws -> Contents {
        let line = ArchiveLine(columns: sidecar.columns)
        let reader = try ArchiveReader(path: entry.path, files: files)
        let judge = Judge(self, sidecar, pseudonym: pseudonym)
        let encoder = try ValueEncoder(line)
        var old = Contents(sidecar)
        var written = old
        var dropped = 0
        try reader.forEachLine { bytes in
            let values = try line.values(of: bytes)
            old.add(values, sidecar.columns)
            switch judge.mayConcern(bytes) ? judge.verdict(on: values) : .kept {
            case .kept:
                try writer.append(bytes)
                written.add(values, sidecar.columns)
            case .changed(let values):
                try writer.append(try encoder.line(values))
                written.add(values, sidecar.columns)
                written.lines += 1
                written.pseudonyms += judge.isUnderPseudonym(values) ? 1 : 0
            case .dropped:
                written.lines += 1
                dropped += 1
            }
        }
        try checkRead(reader)
        // Rows that stay keep their sums; where rows go, the sums are what is left.
        guard dropped > 0 || (old.rows == written.rows && old.sums == written.sums) else {
            throw StorageError(
                .archiveFailed, cannot: "write anew", entry.path, because: "its sums would not stay what they are",
                remedy: "This is a fault of tallyd's; report it with this line. The old file is as it was.")
        }
        return written
    }

    /// Reads what was written to its end, decodes each line, and compares.
    private func check(
        _ path: String, _ sidecar: ArchiveSidecar, _ digest: ArchiveDigest, _ written: Contents, _ pseudonym: String
    ) throws {
        let line = ArchiveLine(columns: sidecar.columns)
        let reader = try ArchiveReader(path: path, files: files)
        let judge = Judge(self, sidecar, pseudonym: pseudonym)
        var read = Contents(sidecar)
        try reader.forEachLine { bytes in
            let values = try line.values(of: bytes)
            read.add(values, sidecar.columns)
            read.pseudonyms += judge.isUnderPseudonym(values) ? 1 : 0
            guard judge.mayConcern(bytes) else { return }
            if case .kept = judge.verdict(on: values) { return }
            read.lines += 1
        }
        guard reader.digest == digest, read.rows == written.rows, read.sums == written.sums, read.lines == 0,
            read.pseudonyms >= written.pseudonyms
        else {
            throw StorageError(
                .archiveDamaged, cannot: "verify", path, because: "what was read back is not what was written",
                remedy: "The old file is as it was. Look at the kernel's log (`journalctl -k`) for the disk.")
        }
    }
}
