import Foundation
import Synchronization

/// A webhook endpoint on loopback, with threads and plain sockets: it knows nothing of the program's own HTTP. Answers what a closure says.
package final class EndpointServer: Sendable {
    package struct Request: Sendable {
        package let method: String
        package let path: String
        /// Names in small letters.
        package let headers: [String: String]
        package let body: String
        package let receivedAt: ContinuousClock.Instant

        package var id: String { headers["webhook-id"] ?? "" }
    }

    package struct Answer: Sendable {
        package var status: Int
        package var headers: [String: String]
        package var delay: Duration
        /// Closes the connection in place of an answer.
        package var isSilent: Bool

        package init(
            _ status: Int = 200, headers: [String: String] = [:], delay: Duration = .zero, isSilent: Bool = false
        ) {
            self.status = status
            self.headers = headers
            self.delay = delay
            self.isSilent = isSilent
        }
    }

    private let place: LoopbackPort
    private let answer: @Sendable (Request) -> Answer
    private let state = Mutex((requests: [Request](), connections: Set<Int32>()))

    package struct CantListen: Error {}

    package init(_ answer: @escaping @Sendable (Request) -> Answer = { _ in Answer() }) throws {
        self.answer = answer
        let place = try LoopbackPort()
        guard listen(place.socket, 1_024) == 0 else { throw CantListen() }
        self.place = place
        Thread.detachNewThread { [self] in acceptAll() }
    }

    package var port: UInt16 { place.number }

    package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    package var requests: [Request] { state.withLock { $0.requests } }

    /// Connections that stand now.
    package var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Ends it, with every connection. To be called by whoever made it: its threads keep it alive.
    package func close() {
        shutdown(place.socket, Int32(SHUT_RDWR))
        state.withLock { for connection in $0.connections { shutdown(connection, Int32(SHUT_RDWR)) } }
    }

    private func acceptAll() {
        while true {
            let connection = accept(place.socket, nil, nil)
            guard connection >= 0 else { return }
            state.withLock { _ = $0.connections.insert(connection) }
            Thread.detachNewThread { [self] in
                serve(connection)
                state.withLock { _ = $0.connections.remove(connection) }
                Glibc.close(connection)
            }
        }
    }

    private func serve(_ connection: Int32) {
        var buffer: [UInt8] = []
        while let request = next(connection, &buffer) {
            state.withLock { $0.requests.append(request) }
            let answer = answer(request)
            if answer.delay > .zero { Thread.sleep(forTimeInterval: answer.delay / .seconds(1)) }
            guard !answer.isSilent else { return }
            let lines = answer.headers.map { "\($0.key): \($0.value)\r\n" }.joined()
            let text = "HTTP/1.1 \(answer.status) Word\r\nContent-Length: 2\r\n\(lines)\r\nok"
            let bytes = Array(text.utf8)
            guard send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return }
        }
    }

    private func next(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let head = buffer.firstRange(of: end) {
                let lines = String(decoding: buffer[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                let first = lines[0].split(separator: " ").map(String.init)
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    headers[line[..<colon].lowercased()] =
                        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                }
                let length = Int(headers["content-length"] ?? "0") ?? 0
                let whole = head.upperBound + length
                if buffer.count >= whole, first.count == 3 {
                    let body = String(decoding: buffer[head.upperBound..<whole], as: UTF8.self)
                    buffer.removeFirst(whole)
                    return Request(
                        method: first[0], path: first[1], headers: headers, body: body, receivedAt: .now)
                }
            }
            let count = recv(connection, &part, part.count, 0)
            guard count > 0 else { return nil }
            buffer += part[..<count]
        }
    }
}
