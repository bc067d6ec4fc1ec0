/// Tasks that run, wait for a processor or wait for a disk, averaged, from `/proc/loadavg` (proc_loadavg(5)).
package struct LoadAverage: Sendable, Equatable {
    package var oneMinute: Double
    package var fiveMinutes: Double
    package var fifteenMinutes: Double

    /// Nil unless all three are there.
    init?(_ text: Span<UInt8>) {
        var walk = FieldWalk()
        func next() -> Double? { walk.next(in: text).flatMap { text.fractionalNumber($0) } }
        guard let one = next(), let five = next(), let fifteen = next() else { return nil }
        (oneMinute, fiveMinutes, fifteenMinutes) = (one, five, fifteen)
    }
}
