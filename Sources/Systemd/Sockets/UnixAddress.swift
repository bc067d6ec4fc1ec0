package import Glibc

/// Where a Unix datagram socket is reached: a path in the file system, or a name in Linux's abstract namespace, written
/// with a leading `@` as systemd writes it in `NOTIFY_SOCKET`.
package struct UnixAddress: Sendable, Equatable, CustomStringConvertible {
    /// The bytes of `sun_path`; an abstract name starts with the NUL that the `@` stands for.
    private let bytes: [UInt8]

    /// What was written, for messages.
    package let description: String

    /// - Parameter text: `/absolute/path` or `@abstract-name`. Answers nil for every other form (`vsock:…`, a relative
    ///   path) and for a text that does not fit into the kernel's 108 bytes, its closing NUL counted.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)
        guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else { return nil }
        let room = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        guard bytes.count > 1, bytes.count < room, !bytes.contains(0) else { return nil }
        if first == UInt8(ascii: "@") { bytes[0] = 0 }
        self.bytes = bytes
        description = text
    }

    /// Lends the address in the form that the socket calls take. The length is exact: a trailing NUL would be part of
    /// an abstract name.
    package func withSocketAddress<Answer>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Answer) -> Answer {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let closingNul = bytes[0] == 0 ? 0 : 1
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + closingNul)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
