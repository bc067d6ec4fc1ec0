import Foundation
import Synchronization

/// A server that means harm, on loopback, with threads and plain sockets: it answers nothing, or without an end, or stops on the way.
final class SilentServer: Sendable {
    enum Manner: Sendable {
        case silent, endless
        /// Sends `halted`, and then nothing.
        case halting
    }

    /// One for each of its listeners: to a client they are as many origins.
    let ports: [UInt16]
    private let listeners: [Int32]
    private let manner: Manner
    private let connections = Mutex<Set<Int32>>([])

    init(_ manner: Manner, ports count: Int = 1) throws {
        self.manner = manner
        let bound = try (0..<count).map { _ in try Self.listen() }
        listeners = bound.map(\.listener)
        ports = bound.map(\.port)
        for listener in listeners { Thread.detachNewThread { [self] in acceptAll(listener) } }
    }

    private static func listen() throws -> (listener: Int32, port: UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(listener, plain, length) == 0 && Glibc.listen(listener, 1_024) == 0
                    && getsockname(listener, plain, &length) == 0
            }
        }
        guard isBound else { throw BenchError("can't listen on loopback") }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    /// Connections that stand.
    var count: Int { connections.withLock { $0.count } }

    /// Ends it, with every connection.
    func close() {
        for listener in listeners { shutdown(listener, Int32(SHUT_RDWR)) }
        connections.withLock { for connection in $0 { shutdown(connection, Int32(SHUT_RDWR)) } }
    }

    private func acceptAll(_ listener: Int32) {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            connections.withLock { _ = $0.insert(connection) }
            switch manner {
            case .silent: continue
            case .endless: Thread.detachNewThread { [self] in answer(connection) }
            case .halting:
                Thread.detachNewThread { Self.answer(Self.halted, on: connection) }
            }
        }
    }

    /// A head of 16 KiB in fields whose names and values each take memory of their own, as much of a body as is kept, and half of the trailers.
    static let halted: [UInt8] = {
        let fields = (0..<200).map { "X-HostileName\(100 + $0): \(String(repeating: "a", count: 54))\r\n" }
        let body = "1000\r\n" + String(repeating: "b", count: 0x1000) + "\r\n0\r\n"
        let head = "HTTP/1.1 200 OK\r\n" + fields.joined() + "Transfer-Encoding: chunked\r\n\r\n"
        return Array((head + body + fields.prefix(26).joined()).utf8)
    }()

    /// Once a request has come.
    private static func answer(_ bytes: [UInt8], on connection: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        _ = recv(connection, &buffer, buffer.count, 0)
        _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func answer(_ connection: Int32) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        Self.answer(Array(head.utf8), on: connection)
        let chunk = Array("4000\r\n".utf8) + [UInt8](repeating: 0x61, count: 0x4000) + Array("\r\n".utf8)
        while send(connection, chunk, chunk.count, Int32(MSG_NOSIGNAL)) > 0 {}
        connections.withLock { _ = $0.remove(connection) }
        Glibc.close(connection)
    }
}
