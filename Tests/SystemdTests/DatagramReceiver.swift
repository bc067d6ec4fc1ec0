import Glibc

@testable import Systemd

/// The far end of a notify or journal socket.
final class DatagramReceiver: Sendable {
    private let descriptor: Int32

    init(at text: String) throws {
        guard let address = UnixAddress(text) else { throw SystemFailure(code: EINVAL) }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        guard address.withSocketAddress({ bind(descriptor, $0, $1) }) == 0 else { throw SystemFailure(code: errno) }
    }

    deinit {
        close(descriptor)
    }

    /// The next datagram; nil when none comes in time.
    func receive(within milliseconds: Int32 = 10_000) -> [UInt8]? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : Array(buffer.prefix(count))
    }

    func receiveText() -> String? {
        receive().map { String(decoding: $0, as: UTF8.self) }
    }

    /// The next datagram read back as a journal would read it: fields in their order.
    func receiveFields(within milliseconds: Int32 = 10_000) -> JournalFields? {
        receive(within: milliseconds).flatMap(JournalFields.init)
    }
}
