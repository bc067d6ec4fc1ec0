import Testing

@testable import Scheduling

@Suite struct `Amounts of money` {
    @Test(arguments: [
        (0.0, Int64?(0)), (1, 1_000_000_000), (0.000_000_001, 1), (0.000_000_000_4, 0), (0.000_000_000_5, 1),
        (0.1, 100_000_000), (1_000_000, 1_000_000_000_000_000), (1_000_000.000_000_1, nil), (-0.000_000_001, nil),
        (-0.0, 0), (.nan, nil), (.infinity, nil), (-.infinity, nil), (.leastNonzeroMagnitude, 0),
    ])
    func `dollars become whole nano-dollars, or nothing outside zero to a million`(dollars: Double, nanos: Int64?) {
        #expect(Money.nanos(dollars: dollars) == nanos)
    }

    @Test(arguments: [
        (Int128(0), "$0.000000000", "$0.000000"), (1, "$0.000000001", "$0.000000"), (500, "$0.000000500", "$0.000001"),
        (-500, "-$0.000000500", "-$0.000001"), (499, "$0.000000499", "$0.000000"),
        (12_345_678_901, "$12.345678901", "$12.35"), (-12_345_678_901, "-$12.345678901", "-$12.35"),
        (999_999_999, "$0.999999999", "$1.000000"), (1_000_000_000, "$1.000000000", "$1.00"),
        (1_004_999_999, "$1.004999999", "$1.00"), (1_005_000_000, "$1.005000000", "$1.01"),
        (20_000_000_000_000_000_000_000, "$20000000000000.000000000", "$20000000000000.00"),
    ])
    func `an amount is written with all nine decimals, or with as many as people read`(
        nanos: Int128, whole: String, short: String
    ) {
        #expect(Money(nanos: nanos).description == whole)
        #expect(Money(nanos: nanos).short == short)
    }

    @Test func `sums pass what 64 bits hold`() {
        var sum = Money(nanos: Int128(Int64.max))
        sum += Money(nanos: Int128(Int64.max))
        #expect(sum == Money(nanos: 18_446_744_073_709_551_614))
        #expect(sum > Money(nanos: Int128(Int64.max)))
        #expect((sum + Money(nanos: -18_446_744_073_709_551_614)).nanos == 0)
    }
}
