/// A block device or file system as the kernel numbers it, `254:0`.
package struct DeviceNumber: Sendable, Hashable {
    package var major: UInt32
    package var minor: UInt32

    package init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// From `st_dev`, whose bits the C library spreads so (makedev(3), gnu_dev_makedev).
    init(stat device: UInt64) {
        major = UInt32(truncatingIfNeeded: (device >> 8) & 0xfff | (device >> 32) & 0xffff_f000)
        minor = UInt32(truncatingIfNeeded: device & 0xff | (device >> 12) & 0xffff_ff00)
    }

    /// From `254:0`.
    init?(_ range: Range<Int>, of text: Span<UInt8>) {
        guard let colon = range.first(where: { text[$0] == UInt8(ascii: ":") }),
            let major = text.wholeNumber(range.lowerBound..<colon).flatMap(UInt32.init(exactly:)),
            let minor = text.wholeNumber(colon + 1..<range.upperBound).flatMap(UInt32.init(exactly:))
        else { return nil }
        self.init(major: major, minor: minor)
    }
}
