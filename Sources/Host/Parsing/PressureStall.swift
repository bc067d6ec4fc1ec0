/// How much of the time work stood still for want of one resource, from `/proc/pressure/…` (kernel:
/// Documentation/accounting/psi.rst).
package struct PressureStall: Sendable, Equatable {
    package enum Resource: String, CaseIterable, Sendable {
        case cpu, memory, io
    }

    package enum Kind: String, CaseIterable, Sendable {
        /// At least one task waited.
        case some
        /// All tasks that could have done something waited.
        case full
    }

    package struct Line: Sendable, Equatable {
        /// Share of the last minute, 0 to 1.
        package var minute: Double?
        /// Share of the last five minutes, 0 to 1.
        package var fiveMinutes: Double?
        /// Since boot, in microseconds.
        package var total: UInt64?
    }

    package var lines: [Kind: Line] = [:]

    /// Nil where neither line has a number. Kernels before 5.13 have no `full` for the processor; later ones print zeros
    /// there that mean nothing ("CPU full is undefined at the system level"), so that line isn't taken.
    init?(_ text: Span<UInt8>, of resource: Resource) {
        var lines: [Kind: Line] = [:]
        text.forEachLine { row in
            var walk = FieldWalk()
            guard let kind = walk.word(in: row).flatMap(Kind.init), resource != .cpu || kind == .some else { return }
            var line = Line()
            while let field = walk.next(in: row) {
                guard let equals = field.first(where: { row[$0] == UInt8(ascii: "=") }) else { continue }
                let value = equals + 1..<field.upperBound
                switch row.text(field.lowerBound..<equals) {
                case "avg60": line.minute = row.fractionalNumber(value).flatMap(Self.share)
                case "avg300": line.fiveMinutes = row.fractionalNumber(value).flatMap(Self.share)
                case "total": line.total = row.wholeNumber(value)
                default: break
                }
            }
            if line != Line() { lines[kind] = line }
        }
        guard !lines.isEmpty else { return nil }
        self.lines = lines
    }

    private static func share(ofPercent percent: Double) -> Double? {
        percent <= 100 ? percent / 100 : nil
    }
}
