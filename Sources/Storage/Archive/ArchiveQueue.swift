/// The lines of a part that are still to be gone by, read some ahead of the bites that take them.
struct ArchiveQueue {
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

    /// Lines that are read at a time; a bite takes some hundred.
    private static let most = 2_000
    /// And no more bytes than this and a line: 8 MiB.
    private static let mostBytes = 8 * 1_024 * 1_024

    private(set) var lines: [Line] = []
    private let reader: ArchiveReader
    private let decoder: ArchiveLine
    private let key: [Int]
    private let owner: Int?
    private var isAtEnd = false

    init(_ reader: ArchiveReader, _ shape: ArchiveSource.Shape, owner: String? = nil) {
        self.reader = reader
        decoder = ArchiveLine(columns: shape.columns)
        key = shape.key
        self.owner = owner.flatMap { shape.columns.firstIndex(of: $0) }
    }

    /// Reads on. False when there is no line left.
    ///
    /// - Parameter condition: whether a line is to be gone by at all, by its values; nil: each is.
    mutating func fill(where condition: (([ArchiveValue]) -> Bool)? = nil) throws -> Bool {
        var bytes = lines.reduce(0) { $0 + $1.bytes.count }
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
        return !lines.isEmpty
    }

    mutating func drop(_ count: Int) {
        lines.removeFirst(count)
    }
}
