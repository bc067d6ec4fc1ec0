/// The process's own memory, threads and processors, from `/proc/self/status` (proc_pid_status(5)).
package struct ProcessStatus: Sendable, Equatable {
    /// Bytes in memory; the kernel batches this count and may lag by some pages a thread.
    package var resident: UInt64?
    /// Bytes of address space.
    package var virtual: UInt64?
    package var threads: UInt64?
    /// How many processors the process may run on (taskset, cpusets).
    package var allowedProcessors: Int?

    /// Nil where none of the lines is there.
    init?(_ text: Span<UInt8>) {
        var status = Self()
        text.forEachLine { line in
            var walk = FieldWalk()
            guard let name = walk.next(in: line) else { return }
            switch line.text(name) {
            case "VmRSS:": status.resident = walk.kilobytes(in: line)
            case "VmSize:": status.virtual = walk.kilobytes(in: line)
            case "Threads:": status.threads = walk.number(in: line)
            case "Cpus_allowed:": status.allowedProcessors = walk.next(in: line).flatMap { Self.bits(line, $0) }
            default: break
            }
        }
        guard status != Self() else { return nil }
        self = status
    }

    private init() {}

    /// The bits set in a mask such as `ff,ffffffff`; nil for what is no mask, and for an empty one.
    private static func bits(_ line: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var count = 0
        for index in range where line[index] != UInt8(ascii: ",") {
            guard let digit = Character(Unicode.Scalar(line[index])).hexDigitValue else { return nil }
            count += digit.nonzeroBitCount
        }
        return count > 0 ? count : nil
    }

    /// What this kernel's file doesn't say.
    var absentFields: [String] {
        [
            ("VmRSS", resident == nil), ("VmSize", virtual == nil), ("Threads", threads == nil),
            ("Cpus_allowed", allowedProcessors == nil),
        ].filter(\.1).map(\.0)
    }
}

extension FieldWalk {
    fileprivate mutating func kilobytes(in line: Span<UInt8>) -> UInt64? {
        number(in: line).flatMap { $0 <= UInt64.max >> 10 ? $0 << 10 : nil }
    }
}
