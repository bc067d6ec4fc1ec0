import Foundation
import Logging
import Testing

@testable import Daemon

@Suite(.timeLimit(.minutes(10)))
struct ControlListenerTests {
    private func refusal(_ path: String) -> ControlError? {
        do throws(ControlError) {
            _ = try ControlListener(path: path, group: nil)
            return nil
        } catch {
            return error
        }
    }

    private func isThere(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0
    }

    @Test func `the socket is its group's and its owner's, and gone with the listener`() throws {
        let place = try ControlPlace()
        var listener: ControlListener? = try ControlListener(path: place.address.path, group: nil)
        var facts = stat()
        #expect(lstat(place.address.path, &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o660)
        withExtendedLifetime(listener) {}
        listener = nil
        #expect(!isThere(place.address.path))
    }

    @Test func `what a dead daemon left is replaced`() throws {
        let place = try ControlPlace()
        let path = place.address.path
        // Bound, and closed without being removed.
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let reachable = try ControlPath(path)
        try #require(reachable.address.withSocketAddress { bind(dead, $0, $1) } == 0)
        close(dead)
        #expect(isThere(path))
        let listener = try ControlListener(path: path, group: nil)
        #expect((try? RawClient(path)) != nil)
        withExtendedLifetime(listener) {}
    }

    @Test func `a living daemon's is never taken, not even with a full queue`() throws {
        let place = try ControlPlace()
        let path = place.address.path
        let listener = try ControlListener(path: path, group: nil)
        #expect(refusal(path)?.cause == "another program listens there")
        // Nobody accepts: one more than the queue holds would wait.
        let clients = try (0..<10).map { _ in try RawClient(path) }
        #expect(refusal(path)?.errno == EADDRINUSE)
        #expect(isThere(path))
        withExtendedLifetime((listener, clients)) {}
    }

    @Test func `a file that is no socket stays`() throws {
        let place = try ControlPlace()
        try Data("mine".utf8).write(to: URL(filePath: place.address.path))
        #expect(refusal(place.address.path)?.cause == "a file that is no socket has this name")
        #expect(try String(contentsOfFile: place.address.path, encoding: .utf8) == "mine")
    }

    @Test func `another's socket in its place is not removed`() throws {
        let place = try ControlPlace()
        var first: ControlListener? = try ControlListener(path: place.address.path, group: nil)
        unlink(place.address.path)
        let second = try ControlListener(path: place.address.path, group: nil)
        withExtendedLifetime(first) {}
        first = nil
        #expect(isThere(place.address.path))
        withExtendedLifetime(second) {}
    }

    @Test func `of many that start at once over a dead one, one listens`() async throws {
        for _ in 0..<20 {
            let place = try ControlPlace()
            let path = place.address.path
            let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            let reachable = try ControlPath(path)
            try #require(reachable.address.withSocketAddress { bind(dead, $0, $1) } == 0)
            close(dead)
            let listeners = await withTaskGroup(of: ControlListener?.self) { group in
                for _ in 0..<4 { group.addTask { try? ControlListener(path: path, group: nil) } }
                return await group.reduce(into: [ControlListener?]()) { $0.append($1) }
            }
            #expect(listeners.compactMap(\.self).count == 1)
            #expect((try? RawClient(path)) != nil)
        }
    }

    @Test func `a path that is too long for an address works`() async throws {
        let deep = String(repeating: "a-long-name-of-a-folder/", count: 12)
        let place = try ControlPlace(deep + "usage.db")
        #expect(place.address.path.utf8.count > 300)
        await place.serve(.echo)
        #expect(try await place.ask(.wake).lines == ["wake"])
        try await place.stop()
        #expect(!isThere(place.address.path))
    }

    @Test func `a name that is too long is an error that says so`() throws {
        let place = try ControlPlace(String(repeating: "n", count: 120))
        #expect(refusal(place.address.path)?.cause.contains("longer than a socket's address can hold") == true)
        #expect(refusal("/nowhere-at-all/control.sock")?.errno == ENOENT)
    }

    @Test func `a daemon without its socket says so, and does not end`() async throws {
        let place = try ControlPlace()
        try Data().write(to: URL(filePath: place.address.path))
        await place.serve(.echo)
        try await place.stop()
        #expect(isThere(place.address.path))
    }

    @Test func `it stands in the runtime folder, or beside the database`() {
        let unit = ["RUNTIME_DIRECTORY": "/run/tallyd-a:/run/other"]
        #expect(ControlAddress.listening(environment: unit, database: "/a.db").path == "/run/tallyd-a/control.sock")
        #expect(ControlAddress.listening(environment: [:], database: "/d/a.db").path == "/d/a.db-tallyd.sock")
        #expect(
            ControlAddress.listening(environment: ["RUNTIME_DIRECTORY": ""], database: "a.db").path
                == FileManager.default.currentDirectoryPath + "/a.db-tallyd.sock")
        #expect(
            ControlAddress.candidates(environment: unit, database: "/a.db")
                == [ControlAddress(path: "/run/tallyd-a/control.sock", confirming: nil)])
        #expect(
            ControlAddress.candidates(environment: [:], database: "/a.db")
                == [
                    ControlAddress(path: "/a.db-tallyd.sock", confirming: nil),
                    ControlAddress(path: "/run/tallyd/control.sock", confirming: "/a.db"),
                ])
        #expect(
            ControlAddress.candidates(environment: [:], database: nil)
                == [ControlAddress(path: "/run/tallyd/control.sock", confirming: nil)])
    }

    @Test func `its own user, root and the database's group may ask`() {
        func may(_ user: uid_t, _ groups: Set<gid_t>, group: gid_t? = 500, owner: uid_t = 1_000) -> Bool {
            ControlPeer(user: user, groups: groups).mayControl(owner: owner, group: group, nobody: 65_534)
        }
        #expect(may(1_000, []))
        #expect(may(0, []))
        #expect(may(7, [1, 500]))
        #expect(!may(7, [1, 501]))
        #expect(!may(7, [1, 500], group: nil))
        // All groups that a user namespace lacks look alike.
        #expect(!may(7, [65_534], group: 65_534))
    }

    @Test func `the kernel says who the peer is`() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let peer = try #require(ControlPeer(of: ends[0]))
        #expect(peer.user == geteuid())
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(Int32(groups.count), &groups)
        #expect(peer.groups == Set(groups[..<Int(count)]).union([getegid()]))
        for end in ends { close(end) }
    }

    @Test func `a reply of any length fits into a line`() throws {
        for lines in [[], ["a"], Array(repeating: String(repeating: "ä", count: 5_000), count: 500)] {
            let reply = ControlReply(status: 78, lines: lines)
            let bytes = try reply.line()
            #expect(bytes.count <= ControlLine.limit)
            #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
            let read = try #require(ControlReply(line: Array(bytes.dropLast())))
            #expect(read.status == 78)
            if lines.count < 2 {
                #expect(read == reply)
            } else {
                #expect(read.lines.last?.hasSuffix(" lines more") == true)
            }
        }
        #expect(ControlReply(line: Array("{\"version\":1,\"status\":900,\"lines\":[]}".utf8)) == nil)
    }
}
