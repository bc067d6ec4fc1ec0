// The files of cgroup v2 (kernel: Documentation/admin-guide/cgroup-v2.rst, "Controllers").

/// A limit as cgroup files write it: a number, or `max` where there's none.
package enum CgroupLimit: Sendable, Equatable {
    case none
    case at(Double)

    /// Of `memory.max`, `memory.high` and `pids.max`: bytes, or tasks.
    init?(_ text: Span<UInt8>) {
        var walk = FieldWalk()
        guard let limit = walk.limit(in: text) else { return nil }
        self = limit
    }

    /// Of `cpu.max`, `50000 100000`: time in each period, in microseconds; as a number of processors, here 0.5.
    init?(processors text: Span<UInt8>) {
        var walk = FieldWalk()
        guard let quota = walk.limit(in: text), let period = walk.limit(in: text) else { return nil }
        switch (quota, period) {
        case (.none, .at): self = .none
        case (.at(let quota), .at(let period)) where period > 0: self = .at(quota / period)
        default: return nil
        }
    }

    /// The smaller of both.
    package func lowered(to other: CgroupLimit) -> CgroupLimit {
        switch (self, other) {
        case (.at(let first), .at(let second)): .at(min(first, second))
        case (.none, let limit), (let limit, .none): limit
        }
    }

    package var value: Double? {
        if case .at(let value) = self { value } else { nil }
    }
}

/// `cpu.stat`: since the cgroup was made, in microseconds and periods. Without the cpu controller only the first two are there.
package struct CgroupProcessorTime: Sendable, Equatable {
    package var user: UInt64?
    package var system: UInt64?
    package var periods: UInt64?
    /// Periods in which the cgroup had used up its quota, and for how long it then stood still.
    package var throttledPeriods: UInt64?
    package var throttled: UInt64?

    init?(_ text: Span<UInt8>) {
        var (user, system, periods, throttledPeriods, throttled): (UInt64?, UInt64?, UInt64?, UInt64?, UInt64?)
        text.forEachLine { line in
            var walk = FieldWalk()
            switch walk.word(in: line) {
            case "user_usec": user = walk.number(in: line)
            case "system_usec": system = walk.number(in: line)
            case "nr_periods": periods = walk.number(in: line)
            case "nr_throttled": throttledPeriods = walk.number(in: line)
            case "throttled_usec": throttled = walk.number(in: line)
            default: break
            }
        }
        guard user != nil || system != nil || periods != nil || throttled != nil else { return nil }
        (self.user, self.system, self.periods) = (user, system, periods)
        (self.throttledPeriods, self.throttled) = (throttledPeriods, throttled)
    }
}

/// `io.stat`: bytes and operations since the cgroup was made, all disks together. An empty file says that it did none.
///
/// What goes through a device that stands on others (LVM, RAID) is counted at each of them, so those are left out.
package struct CgroupTransfers: Sendable, Equatable {
    package var bytesRead: UInt64 = 0
    package var bytesWritten: UInt64 = 0
    package var reads: UInt64 = 0
    package var writes: UInt64 = 0

    /// Nil where a line can't be read: part of a sum would be a wrong one.
    init?(_ text: Span<UInt8>, leavingOut layered: Set<DeviceNumber> = []) {
        var sums = [UInt64](repeating: 0, count: 4)
        var isWhole = true
        text.forEachLine { line in
            var walk = FieldWalk()
            guard let device = walk.next(in: line) else { return }
            // A device without figures was there once and isn't any more; the kernel prints its number alone.
            guard let number = DeviceNumber(device, of: line) else { return isWhole = false }
            guard !layered.contains(number) else { return }
            while let field = walk.next(in: line) {
                guard let equals = field.first(where: { line[$0] == UInt8(ascii: "=") }),
                    let place = ["rbytes", "wbytes", "rios", "wios"].firstIndex(
                        of: line.text(field.lowerBound..<equals))
                else { continue }
                guard let figure = line.wholeNumber(equals + 1..<field.upperBound),
                    !sums[place].addingReportingOverflow(figure).overflow
                else { return isWhole = false }
                sums[place] += figure
            }
        }
        guard isWhole else { return nil }
        (bytesRead, bytesWritten, reads, writes) = (sums[0], sums[1], sums[2], sums[3])
    }
}

extension FieldWalk {
    fileprivate mutating func limit(in text: Span<UInt8>) -> CgroupLimit? {
        guard let field = next(in: text) else { return nil }
        return text.text(field) == "max" ? CgroupLimit.none : text.wholeNumber(field).map { .at(Double($0)) }
    }
}
