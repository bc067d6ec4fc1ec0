extension Duration {
    /// Whole nanoseconds, held within what 64 bits can say (292 years either way).
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !overflow, !carry else { return self < .zero ? .min : .max }
        return sum
    }

    /// Whole milliseconds.
    var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// What `poll` takes: milliseconds, rounded up so that a wait is never short, 0 for a time that has passed.
    var pollMilliseconds: Int32 {
        let rounded = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
        return Int32(clamping: max(0, rounded))
    }

    /// How long it is from this moment to the next multiple of the period, above zero and at most the period. The moment and the period are
    /// at least 0 and 1 ns.
    package func untilNextMultiple(of period: Duration) -> Duration {
        .nanoseconds(period.nanoseconds - nanoseconds % period.nanoseconds)
    }
}
