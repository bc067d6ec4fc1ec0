import Foundation
import TestSupport
import Testing
import Webhooks

@testable import tallyd

@Suite struct WebhookListenTests {
    @Test func `listen says where, verifies what comes, and ends with 0 on Ctrl-C`() async throws {
        let secret = try WebhookSecret.generate(.hmacSHA256, from: Array(repeating: 3, count: 32))
        let file = FileManager.default.temporaryDirectory.appending(path: "tallyd-key-\(UUID().uuidString)")
        try Data("\(secret.serialized)\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let program = try ListeningProgram("--secret-file", file.path)
        let first = try #require(try await program.line())
        let port = try #require(first.wholeMatch(of: /listening on http:\/\/127\.0\.0\.1:([0-9]+)\//)?.1, "\(first)")
        let headers = try ReceiverInTest.headers(
            "{\"type\":\"a.b\"}", secret: secret, at: WallClock.now().milliseconds / 1_000)
        let answer = try await RawHTTP.post("{\"type\":\"a.b\"}", headers, port: try #require(Int(port)))
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
        let line = try #require(try await program.line())
        #expect(line.contains("  evt_1  a.b  verified  14 bytes  "), "\(line)")
        #expect(try await program.end(by: SIGINT) == 0)
    }

    @Test func `listen prints a JSON object a line`() async throws {
        let program = try ListeningProgram("--json", "--status", "204", "--delay", "0s")
        func object() async throws -> [String: Any] {
            let line = try #require(try await program.line())
            return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
        let url = try #require(try await object()["listening"] as? String)
        let port = try #require(URL(string: url)?.port)
        #expect(try await RawHTTP.post("[]", [:], port: port).hasPrefix("HTTP/1.1 204 "))
        let message = try await object()
        #expect(message["verdict"] as? String == "unchecked" && message["bytes"] as? Int == 2)
        #expect(message["id"] is NSNull && message["status"] as? Int == 204)
        #expect(try await program.end(by: SIGTERM) == 0)
    }

    @Test(arguments: [("", "is empty"), ("\n\n", "is empty"), ("whsec_hunter2\nhunter2\n", "has 2 lines")])
    func `a key's file that is not one line is named`(text: String, words: String) async throws {
        let folder = try ScratchFolder(for: "key")
        let file = folder.path("key")
        try Data(text.utf8).write(to: URL(filePath: file))
        let run = try await ToolRun.run(
            CommandPlace.program, ["webhooks", "listen", "--secret-file", file], variables: [:])
        #expect(run.status == 64)
        #expect(run.errors == "tallyd: --secret-file: \(file) \(words); write the secret as its only line.\n")
    }

    @Test func `a key's file may hold a public key`() async throws {
        let secret = try WebhookSecret.generate(.ed25519, from: Array(repeating: 3, count: 32))
        let folder = try ScratchFolder(for: "key")
        try Data("\(try #require(secret.publicKey))\n".utf8).write(to: URL(filePath: folder.path("key")))
        let program = try ListeningProgram("--secret-file", folder.path("key"))
        let first = try #require(try await program.line())
        let port = try #require(first.firstMatch(of: /:([0-9]+)\//).flatMap { Int($0.1) })
        let headers = try ReceiverInTest.headers("{}", secret: secret, at: WallClock.now().milliseconds / 1_000)
        _ = try await RawHTTP.post("{}", headers, port: port)
        #expect(try await program.line()?.contains("verified") == true)
        _ = try await program.end(by: SIGTERM)
    }

    @Test func `listen tells of what is no request`() async throws {
        let program = try ListeningProgram()
        let first = try #require(try await program.line())
        let port = try #require(first.firstMatch(of: /:([0-9]+)\//).flatMap { Int($0.1) })
        #expect(try await RawHTTP.exchange(Data("NO HTTP\r\n\r\n".utf8), port: port).hasPrefix("HTTP/1.1 400 "))
        let line = try #require(try await program.line())
        #expect(line.hasSuffix("refused: it is not HTTP  0 bytes  → 400"), "\(line)")
        _ = try await program.end(by: SIGTERM)
    }

    @Test(
        arguments: [
            (["--secret", "whsec_hunter2"], 64, "--secret is not base64"),
            (["--public-key", "hunter2"], 64, "--public-key does not"),
            (["--secret-file", "/nowhere"], 66, "cannot read /nowhere"), (["--port", "70000"], 64, "write 0 to 65535"),
            (["--status", "100"], 64, "write 200 to 599"), (["--delay", "5"], 64, "such as 2s"),
            (["--host", "203.0.113.1"], 1, "cannot listen on 203.0.113.1"),
            (["--host", "nowhere.invalid"], 1, "there is no such address. --port 0"),
        ] as [([String], Int32, String)])
    func `listen refuses what it can't do, and repeats no key`(
        words: [String], status: Int32, expected: String
    ) async throws {
        let run = try await ToolRun.run(CommandPlace.program, ["webhooks", "listen"] + words, variables: [:])
        #expect(run.status == status)
        #expect(run.errors.contains(expected), "\(run.errors)")
        #expect(!run.errors.contains("hunter2"))
    }
}
