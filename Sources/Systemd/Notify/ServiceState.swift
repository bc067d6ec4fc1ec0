/// One thing that a service tells its manager, in the words of sd_notify(3).
package enum ServiceState: Sendable, Equatable {
    /// Start-up, or a reload, is complete.
    case ready

    /// A reload begins. `ready` has to follow, also when the new settings were refused.
    ///
    /// - Parameter monotonicMicroseconds: `CLOCK_MONOTONIC` at the reload's start, in µs since boot.
    case reloading(monotonicMicroseconds: UInt64)

    /// Shutdown begins.
    case stopping

    /// Sign of life for `WatchdogSec=`.
    case watchdog

    /// One line for `systemctl status`. Line breaks become spaces, and what exceeds 1,024 bytes of UTF-8 is cut.
    case status(String)

    /// Give the present start, reload or stop at least this much longer, counted from now. Below 1 µs counts as 1 µs.
    case extendTimeout(Duration)

    /// The errno that the service is about to fail with.
    case errno(Int32)

    /// The state as the protocol's `KEY=value`, without a final line break; `reloading` takes two lines.
    package var message: String {
        switch self {
        case .ready: "READY=1"
        case .reloading(let microseconds): "RELOADING=1\nMONOTONIC_USEC=\(microseconds)"
        case .stopping: "STOPPING=1"
        case .watchdog: "WATCHDOG=1"
        case .status(let text): "STATUS=\(Self.folded(text))"
        case .extendTimeout(let duration): "EXTEND_TIMEOUT_USEC=\(max(1, duration.nanoseconds / 1_000))"
        case .errno(let code): "ERRNO=\(code)"
        }
    }

    /// The manager discards a datagram above 4,096 bytes whole, READY and all; 1,024 leaves room for whatever stands
    /// beside it.
    private static let statusLimit = 1_024

    /// Control characters would end the line, or end the text for a C reader.
    private static func folded(_ text: String) -> String {
        var folded = String.UnicodeScalarView()
        var size = 0
        for scalar in text.unicodeScalars {
            let kept: Unicode.Scalar = scalar.properties.generalCategory == .control ? " " : scalar
            size += UTF8.width(kept)
            if size > statusLimit { break }
            folded.append(kept)
        }
        return String(folded)
    }
}
