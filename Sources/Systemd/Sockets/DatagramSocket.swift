import Glibc

/// A Unix datagram socket that only sends. It stays unconnected, so a receiver that was restarted on the same path is
/// found again by the next datagram.
final class DatagramSocket: Sendable {
    /// Whether a full receiver makes the sender wait.
    enum Patience: Sendable {
        /// Return `EAGAIN` at once.
        case none

        /// Wait at most this long, then return `EAGAIN`.
        case atMost(Duration)
    }

    private let descriptor: Int32
    private let flags: Int32

    /// - Returns: nil when the process may not open a socket; `errno` says why.
    init?(patience: Patience) {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        switch patience {
        case .none:
            flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        case .atMost(let limit):
            flags = Int32(MSG_NOSIGNAL)
            let (seconds, attoseconds) = limit.components
            var timeout = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends one datagram, whole or not at all.
    ///
    /// - Returns: 0 when it was sent, else the `errno` of the failure.
    func send(_ bytes: [UInt8], to address: UnixAddress) -> Int32 {
        while true {
            let sent = bytes.withUnsafeBytes { buffer in
                address.withSocketAddress { sendto(descriptor, buffer.baseAddress, buffer.count, flags, $0, $1) }
            }
            if sent >= 0 { return 0 }
            let failure = errno
            if failure != EINTR { return failure }
        }
    }
}
