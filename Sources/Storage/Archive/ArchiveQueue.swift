/// The lines of a part that are still to be gone by: the next ones are read while the ones before are gone by.
final class ArchiveQueue {
    struct Line: Sendable {
        /// What finds its row again: the values of the primary key.
        let key: [ArchiveValue]
        /// The conversation of a message; nil for other rows.
        let owner: ArchiveValue?
        /// With its newline.
        let bytes: ContiguousArray<UInt8>

        /// Of a row whose key is its rowid.
        var id: Int64? {
            if key.count == 1, case .integer(let id) = key[0] { id } else { nil }
        }
    }

    /// What some bites took of the lines.
    enum Bite {
        case took(Int)
        case end(ArchiveRounds.Ending)
    }

    /// Lines that are read at a time; a bite takes some hundred, and eight come in a row. Twice as many are held.
    private static let most = 4_000
    /// And no more bytes than this and a line: 8 MiB.
    private static let mostBytes = 8 * 1_024 * 1_024

    private let reader: ArchiveReader
    private let decoder: ArchiveLine
    private let key: [Int]
    private let owner: Int?
    private let condition: (@Sendable ([ArchiveValue]) -> Bool)?
    private var isAtEnd = false

    /// - Parameter condition: whether a line is to be gone by at all, by its values; nil: each is.
    init(
        _ reader: ArchiveReader, _ shape: ArchiveSource.Shape, owner: String? = nil,
        where condition: (@Sendable ([ArchiveValue]) -> Bool)? = nil
    ) {
        self.reader = reader
        decoder = ArchiveLine(columns: shape.columns)
        key = shape.key
        self.owner = owner.flatMap { shape.columns.firstIndex(of: $0) }
        self.condition = condition
    }

    /// Calls `bite` with the lines that are next, never with none, until none is left or it ends.
    ///
    /// - Throws: what it throws, and what reading a damaged archive does.
    func goThrough(_ bite: (ArraySlice<Line>) async throws -> Bite) async throws -> ArchiveRounds.Ending {
        var lines = try read()
        while !lines.isEmpty {
            async let following = read()
            var rest = lines[...]
            while !rest.isEmpty {
                switch try await bite(rest) {
                case .took(let count): rest = rest.dropFirst(count)
                case .end(let ending): return ending
                }
            }
            lines = try await following
        }
        return .done
    }

    /// None at the end.
    private func read() throws -> [Line] {
        var lines: [Line] = []
        var bytes = 0
        while lines.count < Self.most, bytes < Self.mostBytes, !isAtEnd {
            guard let line = try reader.next() else {
                isAtEnd = true
                break
            }
            if condition == nil, key == [0], owner == nil, let id = decoder.leadingInteger(of: line) {
                // Whatever else the line says, its row goes only where the row's own line is the same, byte for byte.
                lines.append(Line(key: [.integer(id)], owner: nil, bytes: line))
            } else {
                let values = try decoder.values(of: line)
                guard condition?(values) ?? true else { continue }
                lines.append(Line(key: key.map { values[$0] }, owner: owner.map { values[$0] }, bytes: line))
            }
            bytes += line.count
        }
        return lines
    }
}

// Its state is that of `read`, which is called again only when the call before has returned.
extension ArchiveQueue: @unchecked Sendable {}
