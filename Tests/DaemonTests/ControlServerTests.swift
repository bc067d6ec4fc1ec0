import Foundation
import Logging
import Synchronization
import Testing

@testable import Daemon

@Suite(.timeLimit(.minutes(10)))
struct ControlServerTests {
    private func refusal(_ work: () async throws(ControlClient.Failure) -> ControlReply) async -> ControlClient.Failure?
    {
        do throws(ControlClient.Failure) {
            Issue.record("answered: \(try await work())")
            return nil
        } catch {
            return error
        }
    }

    @Test func `each request reaches its handler, and the answer comes back`() async throws {
        let place = try ControlPlace()
        await place.serve(.echo)
        #expect(try await place.ask(.reload).lines == ["reload"])
        #expect(try await place.ask(.wake).lines == ["wake"])
        #expect(
            try await place.ask(.run(job: "roll \"up\"\n", dryRun: true)).lines == ["run", "roll \"up\"", "", "true"])
        try await place.stop()
    }

    @Test func `without jobs there is none to run`() async throws {
        let place = try ControlPlace()
        await place.serve(ControlHandlers(reload: { ControlReply(status: 78, lines: ["no"]) }))
        #expect(try await place.ask(.reload) == ControlReply(status: 78, lines: ["no"]))
        #expect(try await place.ask(.wake) == ControlReply(lines: []))
        let reply = try await place.ask(.run(job: "a", dryRun: false))
        #expect(reply.status == 66)
        #expect(reply.lines.first?.hasPrefix("this daemon has no job \"a\"") == true)
        try await place.stop()
    }

    @Test func `several are served at once`() async throws {
        let place = try ControlPlace()
        let (arrivals, arrival) = AsyncStream<Void>.makeStream()
        let (doors, door) = AsyncStream<Void>.makeStream()
        await place.serve(
            ControlHandlers(reload: {
                arrival.yield()
                // Nobody leaves before all are here.
                for await _ in doors {}
                return ControlReply(lines: ["all"])
            }))
        try await withThrowingTaskGroup(of: ControlReply.self) { group in
            for _ in 0..<8 { group.addTask { try await place.ask(.reload) } }
            var here = 0
            for await _ in arrivals {
                here += 1
                if here == 8 { break }
            }
            door.finish()
            for try await reply in group { #expect(reply.lines == ["all"]) }
        }
        try await place.stop()
    }

    @Test func `more than there is room for wait their turn`() async throws {
        let place = try ControlPlace()
        await place.serve(.echo)
        // They keep their places until they are dropped.
        var idle = try (0..<30).map { _ in try RawClient(place.address.path) }
        let asked = Task { try await place.ask(.wake) }
        try await Task.sleep(for: .milliseconds(50))
        idle.removeAll()
        #expect(try await asked.value.lines == ["wake"])
        try await place.stop()
    }

    @Test(arguments: [
        ("", "ends before its line does"),
        ("reload\n", "is no request; write one line such as {\"version\":1,\"request\":\"reload\"}"),
        ("{\"version\":1}\n", "is no request"),
        ("[]\n", "is no request"),
        ("{\"version\":2,\"request\":\"reload\"}\n", "speaks version 2, and this daemon 1; use the tallyd that"),
        ("{\"version\":1,\"request\":\"stop\"}\n", "asks for something unknown; there are reload, run and wake"),
        ("{\"version\":1,\"request\":\"run\"}\n", "names no job; add \"job\":\"rollup\""),
        ("{\"version\":1,\"request\":\"reload\"}", "ends before its line does"),
    ])
    func `what is no request is answered with what is wrong`(text: String, sentence: String) async throws {
        let place = try ControlPlace()
        await place.serve(.echo)
        let client = try RawClient(place.address.path)
        await client.send(text)
        let reply = await client.reply
        #expect(reply?.status == 64)
        #expect(reply?.lines.first?.hasPrefix("the request \(sentence)") == true, "\(String(describing: reply))")
        #expect(try await place.ask(.wake).lines == ["wake"])
        try await place.stop()
    }

    @Test func `input without end is answered, not reset`() async throws {
        let place = try ControlPlace()
        await place.serve(.echo)
        let client = try RawClient(place.address.path)
        await client.send([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20))
        #expect(await client.reply?.lines == ["the request is longer than 64 KiB"])
        // Bytes after the request's line are read, too, before the socket is closed.
        let talkative = try RawClient(place.address.path)
        await talkative.send(
            Array("{\"version\":1,\"request\":\"wake\"}\n".utf8) + [UInt8](repeating: 0, count: 100_000))
        #expect(await talkative.reply?.lines == ["wake"])
        try await place.stop()
    }

    @Test func `who says nothing is answered when the time is over`() async throws {
        let place = try ControlPlace()
        await place.serve(.echo, patience: .milliseconds(100))
        let client = try RawClient(place.address.path)
        await client.send("{\"version\"", ends: false)
        #expect(await client.reply?.lines.first?.hasPrefix("the request did not come within") == true)
        try await place.stop()
    }

    @Test func `any bytes get an answer, and the server goes on`() async throws {
        let place = try ControlPlace()
        await place.serve(.echo)
        let alphabet = Array("{}[]\":,version1request\\u00e4 \t\n0".utf8) + [0x00, 0xC3, 0xFF]
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...60)).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
            let client = try RawClient(place.address.path)
            await client.send(bytes)
            #expect(await client.reply?.status == 64, "\(bytes)")
        }
        #expect(try await place.ask(.wake).lines == ["wake"])
        try await place.stop()
    }

    @Test func `a stop answers those who are silent, and takes the socket away`() async throws {
        let place = try ControlPlace()
        await place.serve(.echo, patience: .seconds(3_600))
        let client = try RawClient(place.address.path)
        #expect(try await place.ask(.wake).lines == ["wake"])
        try await place.stop()
        #expect(await client.reply?.status == 64)
        #expect(!FileManager.default.fileExists(atPath: place.address.path))
    }

    /// The door is shut by whoever cancels the server's task, who holds the task's own lock while it lets somebody in.
    @Test(.timeLimit(.minutes(2))) func `a stop in the very moment that somebody comes is a stop all the same`()
        async throws
    {
        let place = try ControlPlace()
        let path = place.address.path
        let isOver = StopFlag()
        Thread { while !isOver.isRaised { _ = try? RawClient(path) } }.start()
        defer { isOver.raise() }
        for _ in 0..<300 {
            await place.serve(.echo)
            try await place.stop()
        }
    }

    @Test func `a socket that another program has is taken once it is free`() async throws {
        let place = try ControlPlace()
        var other: ControlListener? = try ControlListener(path: place.address.path, group: nil)
        await place.serve(.echo)
        #expect(
            await refusal { () throws(ControlClient.Failure) in
                try await place.ask(.wake, timeout: .milliseconds(100))
            } != nil)
        withExtendedLifetime(other) {}
        other = nil
        for _ in 0..<200 {
            if (try? await place.ask(.wake))?.lines == ["wake"] { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(try await place.ask(.wake).lines == ["wake"])
        try await place.stop()
    }

    @Test func `a stop ends a server whose socket another program has`() async throws {
        let place = try ControlPlace()
        let other = try ControlListener(path: place.address.path, group: nil)
        await place.serve(.echo)
        try await place.stop()
        withExtendedLifetime(other) {}
    }

    @Test func `a daemon of another database says so, and the next place is tried`() async throws {
        let (ours, theirs) = (try ControlPlace(), try ControlPlace())
        await ours.serve(.echo)
        await theirs.serve(.echo)
        let wrong = ControlAddress(path: theirs.address.path, confirming: ours.database)
        let failure = await refusal { () throws(ControlClient.Failure) in
            try await ControlClient([wrong], timeout: .seconds(20)).ask(.wake)
        }
        #expect(failure?.status == 75)
        #expect(failure?.lines[1] == "\(wrong.path): its daemon works on \(theirs.database)")
        let client = ControlClient([wrong, ours.address], timeout: .seconds(20))
        #expect(try await client.ask(.wake).lines == ["wake"])
        // By another spelling it is the same.
        let spelt = ControlAddress(path: ours.address.path, confirming: ours.folder + "/./usage.db")
        #expect(try await ControlClient([spelt], timeout: .seconds(20)).ask(.wake).lines == ["wake"])
        try await ours.stop()
        try await theirs.stop()
    }

    @Test func `without a daemon the client says where it looked and what to do`() async throws {
        let place = try ControlPlace()
        let failure = await refusal { () throws(ControlClient.Failure) in try await place.ask(.reload) }
        #expect(failure?.status == 75)
        #expect(failure?.lines[1] == "\(place.address.path): there is no such socket")
        #expect(failure?.lines.last?.contains("systemctl start tallyd") == true)
    }

    @Test func `a daemon that does not answer is waited for until the time is over`() async throws {
        let place = try ControlPlace()
        let listener = try ControlListener(path: place.address.path, group: nil)
        let failure = await refusal { () throws(ControlClient.Failure) in
            try await place.ask(.reload, timeout: .milliseconds(100))
        }
        #expect(failure?.status == 75)
        #expect(failure?.lines[1] == "\(place.address.path): it did not answer in time; --timeout waits longer")
        withExtendedLifetime(listener) {}
    }
}
