import Foundation
import Scheduling
import Storage

/// Archives: files that fail, are damaged, and come back.
extension RollupHistory {
    var archiveFolder: String { sample.folder.appending(path: "archive").path }

    /// One whose files may fail, and whose newest part may have been written before rows were corrected, or damaged since.
    func archive(of day: Day, _ terms: DayPurge.Terms, _ rolling: Rolling) async throws -> DayArchive {
        if chance(30) {
            let early = DayArchive(store: rolling.store, zone: zone, term: nil, folder: archiveFolder)
            let known = try await ArchiveManifest(store: rolling.store).list(day...day).last?.part ?? 0
            let part = try await early.prepare(day, terms, anew: chance(50))
            // Only one that no row has gone by yet.
            if let part, part.part > known, chance(30) {
                var bytes = Array(try Data(contentsOf: URL(filePath: part.path)))
                bytes[pick(0...bytes.count - 1)] ^= UInt8(1 << pick(0...7))
                try Data(bytes).write(to: URL(filePath: part.path))
                damaged.insert(part.path)
                log.append("damaged \(part.path)")
            } else if chance(50) {
                try act(times: 2)
                try await rolling.finish()
            }
        }
        let files =
            chance(50)
            ? FaultyFiles(.call(pick(1...40), code: [EIO, ENOSPC, EACCES].randomElement(using: &random) ?? EIO)).files
            : ArchiveFiles.system
        return DayArchive(store: rolling.store, zone: zone, term: nil, folder: archiveFolder, files: files)
    }

    /// Every row that went by an archive is in one that can be read to its end.
    func lookForLostRows(_ store: Store) async throws {
        var kept: Set<Int64> = []
        for part in try await ArchiveManifest(store: store).list() where !damaged.contains(part.path) {
            try ArchiveReader.verify(path: part.path, expected: part.digest)
            let decoder = ArchiveLine(columns: try ArchiveSidecar.read(for: part.path).columns)
            try ArchiveReader(path: part.path).forEachLine { line in
                if case .integer(let id) = try decoder.values(of: line)[0] { kept.insert(id) }
            }
        }
        if let lost = archived.first(where: { !kept.contains($0) }) {
            fail("row \(lost) went, and no archive has it")
        }
    }

    func restore(_ day: Day, _ store: Store) async throws {
        let parts = try await ArchiveManifest(store: store).list(day...day).filter { !damaged.contains($0.path) }
        guard !parts.isEmpty else { return }
        let outcome = try await ArchiveRestore(into: store).restore(parts, isOrigin: true)
        log.append("restored \(outcome.restored) rows of \(day)")
    }
}
