/// How rows go by archives: a part is written, or found, and what is, byte for byte, a line of it goes; and again with a new part where a row had
/// changed in between, until none is left that may go.
enum ArchiveRounds {
    enum Ending { case done, differs, stopped }

    /// Archives may be written so many times for one day in one run: once, and again where a row was corrected in between.
    private static let most = 4

    /// - Parameters:
    ///   - ahead: parts that were prepared before; none where nothing was.
    ///   - prepare: the parts to go by, in that order; none when no row is left that may go. Told whether the parts before would not do.
    ///   - remove: removes by one part. A damaged or missing one is archived anew, and told of in the end.
    /// - Returns: false when it was asked to stop, or rows went on changing.
    /// - Throws: as `prepare` does; `StorageError` of kind `archiveDamaged` or `missing` for a file that is no longer what it was, when its rows that were
    ///   still in the database have been archived again and removed.
    static func run(
        ahead: [ArchivePart] = [], shouldStop: @Sendable () -> Bool,
        prepare: (_ anew: Bool) async throws -> [ArchivePart],
        remove: (ArchivePart) async throws -> Ending, markUsed: ([ArchivePart]) async throws -> Void
    ) async throws -> Bool {
        var damage: (any Error)?
        var isAnew = false
        var ahead = ahead
        for _ in 0..<most {
            if shouldStop() { return false }
            let parts: [ArchivePart]
            do {
                parts = ahead.isEmpty ? try await prepare(isAnew) : ahead
                ahead = []
            } catch is ArchiveHandover.Stopped {
                return false
            }
            guard !parts.isEmpty else {
                if let damage { throw damage }
                return true
            }
            isAnew = false
            for part in parts where !isAnew {
                do {
                    switch try await remove(part) {
                    case .done: break
                    case .differs: isAnew = true
                    case .stopped: return false
                    }
                } catch let error as StorageError where error.kind == .archiveDamaged || error.kind == .missing {
                    // Whoever took it has it; what is still in the database is in none that can be read here.
                    if error.kind != .missing || part.entry.takenAt == nil { damage = error }
                    isAnew = true
                }
            }
            try await markUsed(parts)
        }
        if let damage { throw damage }
        return false
    }
}
