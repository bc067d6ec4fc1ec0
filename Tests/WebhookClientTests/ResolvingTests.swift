import Foundation
import Synchronization
import Testing
import Webhooks

@testable import WebhookClient

private let ok: [HostileReceiver.Step] = [.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]

extension `Sending a webhook` {
    @Suite struct `Resolving` {
        @Test func `a resolver that never answers ends with the deadline, and delays no other name`() async throws {
            let receiver = try await HostileReceiver { _ in ok }
            try await HostileReceiver.with(receiver) { receiver in
                let resolver = FakeResolver { name, _ in name == "hung.example" ? .never : .addresses(["127.0.0.1"]) }
                try await withClient(resolver: resolver) { client in
                    let hung = try message("http://hung.example:\(receiver.port)/", deadline: .seconds(2))
                    let healthy = try message("http://healthy.example:\(receiver.port)/")
                    let order = try await withThrowingTaskGroup(of: String.self) { group in
                        for _ in 0..<20 { group.addTask { await client.send(hung).failure?.name ?? "sent" } }
                        group.addTask { await client.send(healthy).failure?.name ?? "sent" }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(order == ["sent"] + Array(repeating: "resolve_timeout", count: 20))
                }
                // One lookup for all twenty.
                #expect(resolver.asked["hung.example"] == 1)
            }
        }

        @Test func `what the resolver says is told by name, and the name of the host is not`() async throws {
            for failure in [ResolveFailure.unknownName, .temporary, .failed("its answer is odd")] {
                try await withClient(resolver: FakeResolver { _, _ in .failure(failure) }) { client in
                    let outcome = await client.send(try message("http://gone.example/"))
                    #expect(outcome.failure == .resolveFailed(failure))
                    #expect(outcome.failure?.name == "resolve_failed")
                }
            }
        }

        @Test func `one answer stands for a moment, and is asked for again afterwards`() async throws {
            for (validity, count) in [(Duration.seconds(60), 1), (.zero, 3)] {
                let resolver = FakeResolver.loopback
                let names = ResolvedNames(resolver, validity: validity)
                for _ in 0..<3 {
                    #expect(await names.addresses(of: "a.example") == .success([.v4(0x7F00_0001)]))
                }
                #expect(resolver.asked == ["a.example": count])
            }
        }

        @Test func `who is cancelled leaves, and who waits for the same name still gets its answer`() async throws {
            let gate = Gate()
            let names = ResolvedNames(GatedResolver(gate: gate), validity: .zero)
            let leaving = Task { await names.addresses(of: "a.example") }
            await gate.waitForArrival()
            let staying = Task { await names.addresses(of: "a.example") }
            leaving.cancel()
            #expect(await leaving.value == .failure(.cancelled))
            gate.open()
            #expect(try await staying.value.get() == [.v4(0x7F00_0001)])
        }

        @Test func `the system's resolver knows localhost, and no name below invalid`() async throws {
            let resolver = SystemResolver()
            let addresses = try await resolver.addresses(of: "localhost")
            #expect(addresses.contains { $0 == IPAddress("127.0.0.1") || $0 == IPAddress("::1") })
            await #expect(throws: ResolveFailure.self) { try await resolver.addresses(of: "no-such-host.invalid") }
        }

        @Test func `names that hang hold half of the threads, once they are known to`() async throws {
            let gate = Gate()
            let resolver = SystemResolver(mostThreads: 4) { name in
                if name.hasPrefix("hung") {
                    // Longer than what counts as slow, without a test that waits for it more than once.
                    usleep(1_100_000)
                    if name.hasSuffix("again") { gate.block() }
                }
                return .success([.v4(0x7F00_0001)])
            }
            let hung = (0..<4).map { "hung-\($0)-again" }
            // The first time they hang for a moment, and are known from then on.
            gate.open()
            await withTaskGroup { group in
                for name in hung { group.addTask { _ = try? await resolver.addresses(of: name) } }
            }
            gate.close()
            await withTaskGroup { group in
                for name in hung { group.addTask { _ = try? await resolver.addresses(of: name) } }
                // Two of four threads are free for it, whoever came first.
                let healthy = try? await resolver.addresses(of: "healthy.example")
                #expect(healthy?.count == 1)
                gate.open()
            }
        }

        @Test func `where there is no room for a thread, lookups wait for one or fail, and none is forgotten`()
            async throws
        {
            let asked = Mutex(0)
            // Every other one is refused.
            let some = SystemResolver(
                mostThreads: 8,
                startThread: { body in
                    let isOdd = asked.withLock { asked in
                        asked += 1
                        return asked % 2 == 1
                    }
                    return isOdd && DetachedThread.start(stackSize: 1 << 19, body)
                },
                lookup: { _ in
                    usleep(2_000)
                    return .success([.v4(0x7F00_0001)])
                })
            let answers = await withTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask { (try? await some.addresses(of: "\(number).example"))?.count ?? 0 }
                }
                return await group.reduce(0, +)
            }
            #expect(answers > 50)
            let none = SystemResolver(mostThreads: 8, startThread: { _ in false }, lookup: { _ in .success([]) })
            for _ in 0..<10 {
                await #expect(throws: ResolveFailure.self) { try await none.addresses(of: "a.example") }
            }
        }

        @Test func `a lookup that nobody waits for any more gives up its place in the queue`() async throws {
            let gate = Gate()
            let resolver = SystemResolver(mostThreads: 2) { _ in
                gate.block()
                return .success([])
            }
            let running = (0..<2).map { number in Task { try? await resolver.addresses(of: "\(number).example") } }
            await gate.waitForArrival()
            let queued = Task { () async -> ResolveFailure? in
                do throws(ResolveFailure) {
                    _ = try await resolver.addresses(of: "queued.example")
                    return nil
                } catch {
                    return error
                }
            }
            queued.cancel()
            #expect(await queued.value == .cancelled)
            gate.open()
            for task in running { _ = await task.value }
        }
    }
}
