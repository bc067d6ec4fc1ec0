/// Page faults and swapping since boot, from `/proc/vmstat` (proc_vmstat(5)).
package struct VMStat: Sendable, Equatable {
    /// Faults of every kind.
    package var faults: UInt64?
    /// Those of them that waited for a disk.
    package var majorFaults: UInt64?
    /// Pages brought back from swap.
    package var swappedIn: UInt64?
    /// Pages written to swap.
    package var swappedOut: UInt64?

    /// Nil where none of the four is there.
    init?(_ text: Span<UInt8>) {
        var (faults, major, inward, outward): (UInt64?, UInt64?, UInt64?, UInt64?)
        text.forEachLine { line in
            // Some 150 lines, of which four are wanted: look at the first letter before anything is made of them.
            guard line.starts(with: "p") else { return }
            var walk = FieldWalk()
            guard let name = walk.next(in: line) else { return }
            switch line.text(name) {
            case "pgfault": faults = walk.number(in: line)
            case "pgmajfault": major = walk.number(in: line)
            case "pswpin": inward = walk.number(in: line)
            case "pswpout": outward = walk.number(in: line)
            default: break
            }
        }
        guard faults != nil || major != nil || inward != nil || outward != nil else { return nil }
        (self.faults, majorFaults, swappedIn, swappedOut) = (faults, major, inward, outward)
    }

    /// Faults that needed no disk.
    package var minorFaults: UInt64? {
        guard let faults, let majorFaults, majorFaults <= faults else { return nil }
        return faults - majorFaults
    }

    /// What this kernel's file doesn't say; one without swap support lacks the last two.
    var absentFields: [String] {
        [("pgfault", faults), ("pgmajfault", majorFaults), ("pswpin", swappedIn), ("pswpout", swappedOut)]
            .filter { $0.1 == nil }.map(\.0)
    }
}
