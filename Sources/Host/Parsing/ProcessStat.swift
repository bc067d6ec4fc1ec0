/// The process's own time and faults, from `/proc/self/stat` (proc_pid_stat(5)).
package struct ProcessStat: Sendable, Equatable {
    /// In ticks of `sysconf(_SC_CLK_TCK)` a second, all threads together.
    package var userTicks: UInt64
    package var systemTicks: UInt64
    package var minorFaults: UInt64
    package var majorFaults: UInt64
    /// Ticks from boot to the process's start.
    package var startTicks: UInt64

    /// Nil where one of the fields is missing or no number.
    init?(_ text: Span<UInt8>) {
        // The second field is the command in brackets, and may itself hold blanks and brackets: count from the last one.
        guard let bracket = (0..<text.count).last(where: { text[$0] == UInt8(ascii: ")") }) else { return nil }
        var walk = FieldWalk(from: bracket + 1)
        walk.skip(7, in: text)  // 3 state to 9 flags
        guard let minor = walk.number(in: text) else { return nil }
        walk.skip(1, in: text)
        guard let major = walk.number(in: text) else { return nil }
        walk.skip(1, in: text)
        guard let user = walk.number(in: text), let system = walk.number(in: text) else { return nil }
        walk.skip(6, in: text)  // 16 cutime to 21 itrealvalue
        guard let start = walk.number(in: text) else { return nil }
        userTicks = user
        systemTicks = system
        minorFaults = minor
        majorFaults = major
        startTicks = start
    }
}
