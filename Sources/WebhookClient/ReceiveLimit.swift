import NIOCore

/// How much a connection takes from its socket at once.
///
/// A channel keeps the buffers that it reads into, by default four of up to 64 KiB, for as long as it stands: an endpoint that sent 20 KiB and then nothing
/// held 51 kB, and could have held four times that (NIO 2.101, `NIOPooledRecvBufferAllocator`). Responses that matter fit into one read or two. A buffer that
/// has grown in a TLS handshake, with a long chain of certificates, stays as it is.
enum ReceiveLimit {
    static let longestRead = 4 * 1_024

    static func set(on channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 1_024, maximum: longestRead))
    }
}
