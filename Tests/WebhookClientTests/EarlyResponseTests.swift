import Testing
import Webhooks

@testable import WebhookClient

extension `Sending a webhook` {
    /// It may be whole before all of the message has gone.
    @Suite struct `A response before its message` {
        private static let count = 300

        /// Of as many messages at once.
        private func outcomes(
            framing: @escaping HostileReceiver.Framing, greeting: [HostileReceiver.Step] = [],
            answer: [HostileReceiver.Step]
        ) async throws -> [SendOutcome] {
            let receiver = try await HostileReceiver(framing: framing, greeting: greeting) { _ in answer }
            return try await HostileReceiver.with(receiver) { receiver in
                try await withClient { client in
                    let request = try message(
                        "http://receiver.example:\(receiver.port)/", body: String(repeating: "b", count: 4_000))
                    return await withTaskGroup { group in
                        for _ in 0..<Self.count { group.addTask { await client.send(request) } }
                        return await group.reduce(into: []) { $0.append($1) }
                    }
                }
            }
        }

        private static let early = HostileReceiver.Step.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly")

        @Test func `counts where it answers the head`() async throws {
            let outcomes = try await outcomes(framing: HostileReceiver.http1Heads, answer: [Self.early])
            #expect(outcomes.count { $0.response?.body == Array("early".utf8) } == Self.count)
        }

        @Test(arguments: [HostileReceiver.Step.close, .reset])
        func `ends nothing but its connection where that ends at once`(_ end: HostileReceiver.Step) async throws {
            let outcomes = try await outcomes(framing: HostileReceiver.http1Heads, answer: [Self.early, end])
            #expect(outcomes.allSatisfy { $0.response.map { $0.status == 200 } ?? true })
        }

        /// In a socket's buffer it can't be told from an answer.
        @Test(arguments: [[], [HostileReceiver.Step.close], [.reset]])
        func `ends nothing but its connection where it comes before any message`(_ end: [HostileReceiver.Step])
            async throws
        {
            let outcomes = try await outcomes(
                framing: HostileReceiver.http1, greeting: [Self.early] + end,
                answer: [.send("HTTP/1.1 204 No Content\r\n\r\n")])
            #expect(outcomes.allSatisfy { $0.response.map { $0.status == 200 || $0.status == 204 } ?? true })
        }
    }
}
