/// Time that the processors spent in each mode since boot, from `/proc/stat` (proc_stat(5); kernel:
/// Documentation/filesystems/proc.rst, "Miscellaneous kernel statistics in /proc/stat").
package struct ProcStat: Sendable, Equatable {
    /// `cpu.mode` as OpenTelemetry names it. `user` holds guests' time too, as the kernel counts it; `interrupt` is hard and
    /// soft interrupts together.
    package enum Mode: String, CaseIterable, Sendable {
        case user, nice, system, idle, iowait, interrupt, steal
    }

    /// All processors together, in ticks of `sysconf(_SC_CLK_TCK)` a second. A mode that the file lacks isn't there.
    /// `idle` and `iowait` can go back by a little: the kernel says so itself.
    package var ticks: [Mode: UInt64] = [:]
    /// Processors online: the lines `cpu0`, `cpu1` and so on.
    package var logicalCount = 0

    /// Nil where there is no line `cpu` with a number.
    init?(_ text: Span<UInt8>) {
        var ticks: [Mode: UInt64] = [:]
        var processors = 0
        text.forEachLine { line in
            guard line.starts(with: "cpu") else { return }
            var fields = FieldWalk()
            guard let name = fields.next(in: line) else { return }
            guard name.count == 3 else {
                if line.wholeNumber(3..<name.upperBound) != nil { processors += 1 }
                return
            }
            for mode in [Mode.user, .nice, .system, .idle, .iowait] { ticks[mode] = fields.number(in: line) }
            let (hard, soft) = (fields.number(in: line), fields.number(in: line))
            if let hard, let soft, !hard.addingReportingOverflow(soft).overflow { ticks[.interrupt] = hard + soft }
            ticks[.steal] = fields.number(in: line)
        }
        guard !ticks.isEmpty else { return nil }
        self.ticks = ticks
        logicalCount = processors
    }

    /// What this kernel's file doesn't say.
    var absentFields: [String] {
        Mode.allCases.filter { ticks[$0] == nil }.map(\.rawValue) + (logicalCount == 0 ? ["cpu0"] : [])
    }
}
