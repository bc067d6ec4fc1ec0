import Foundation
import Testing

@testable import Daemon

@Suite struct SettingsSecretTests {
    private static let token = Setting(
        "TALLYD_TOKEN",
        .secret,
        whenAbsent: .leave,
        example: "a-token",
        meaning: "A secret for this test."
    )
    /// A secret that its kind refuses.
    private static let picky = Setting(
        "TALLYD_PICKY",
        SettingKind<Secret>(accepts: "nothing", isSecret: true, text: \.description) { _ throws(SettingComplaint) in
            throw SettingComplaint("is too weak; write a longer one")
        },
        whenAbsent: .leave,
        example: "a-token",
        meaning: "A secret for this test."
    )

    @Test func `a secret is revealed only on request`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        #expect("\(secret) \(secret.debugDescription)" == "(set) (set)")
        #expect(!String(reflecting: Optional(secret)).contains("hunter2"))
        #expect(!dumped.contains("hunter2"))
        #expect(secret.reveal() == "hunter2")
    }

    /// A folder of credentials, as systemd makes one.
    private final class Credentials: Sendable {
        let folder = "/tmp/tallyd-credentials-\(UUID().uuidString.prefix(8))"

        init(_ files: [String: String]) throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            for (name, content) in files { try Data(content.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        }

        deinit {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    private func reading(_ variables: [String: String]) -> SettingsReading {
        SettingsReading(environment: variables, commandLine: [:])
    }

    @Test func `a credential comes first, a named file second, and each is listed as set`() throws {
        let files = try Credentials(["tallyd_token": "hunter2\n", "other": "hunter3\n\n"])
        let named = ["TALLYD_TOKEN_FILE": files.folder + "/other"]
        var first = reading(named.merging(["CREDENTIALS_DIRECTORY": files.folder]) { $1 })
        #expect(first.value(of: Self.token)?.reveal() == "hunter2")
        #expect(first.listing.entries.map(\.value) == ["(set)"])
        #expect(first.listing.entries.map(\.source) == [.credential])
        var second = reading(named)
        // One line break is the editor's, and the other the secret's.
        #expect(second.value(of: Self.token)?.reveal() == "hunter3\n")
        #expect(second.listing.entries.map(\.source) == [.secretFile])
        #expect(second.source(of: Self.token) == .secretFile)
        var third = reading(["CREDENTIALS_DIRECTORY": "/nowhere-at-all"])
        #expect(third.value(of: Self.token) == nil)
        #expect(third.listing.entries.map(\.value) == ["(not set)"])
        #expect(third.problems == [])
        second.refuseUnknownNames(beside: [Self.token])
        #expect(second.problems == [])
    }

    @Test(arguments: [
        ("", "it is empty"), ("\n", "it is empty"), (" \t\n", "it is empty"), ("hunter2\0", "it is no UTF-8 text"),
        (String(repeating: "hunter2", count: 20_000), "it is larger than 64 KiB"),
    ])
    func `a file that holds no secret is named with the cause, never with its content`(content: String, cause: String)
        throws
    {
        let files = try Credentials(["tallyd_token": content])
        var credential = reading(["CREDENTIALS_DIRECTORY": files.folder])
        #expect(credential.value(of: Self.token) == nil)
        let path = files.folder + "/tallyd_token"
        let advice = "put the secret there, readable for tallyd's user alone"
        #expect(
            credential.problems == ["TALLYD_TOKEN cannot be read from the credential \(path): \(cause); \(advice)"])
        var file = reading(["TALLYD_TOKEN_FILE": path])
        #expect(file.value(of: Self.token) == nil)
        #expect(file.problems == ["TALLYD_TOKEN cannot be read from TALLYD_TOKEN_FILE \(path): \(cause); \(advice)"])
        #expect(!"\(credential) \(file)".contains("hunter2"))
    }

    @Test func `a file that is missing or a folder is an error, and so is a variable with the secret`() throws {
        let files = try Credentials([:])
        var missing = reading(["TALLYD_TOKEN_FILE": files.folder + "/none"])
        #expect(missing.value(of: Self.token) == nil)
        #expect(missing.problems.first?.contains("/none: No such file or directory; put") == true)
        var folder = reading(["TALLYD_TOKEN_FILE": files.folder])
        #expect(folder.value(of: Self.token) == nil)
        #expect(folder.problems.first?.contains("it is no regular file") == true)
        var open = reading(["TALLYD_TOKEN": "hunter2"])
        #expect(open.value(of: Self.token) == nil)
        #expect(open.problems.count == 1)
        #expect(open.problems.first?.contains("write TALLYD_TOKEN_FILE=") == true)
        #expect(open.listing.entries.map(\.value) == ["(set)"])
        #expect(!"\(open.problems) \(open.listing)".contains("hunter2"))
    }

    @Test func `a refused secret is not shown`() throws {
        let files = try Credentials(["tallyd_picky": "hunter2"])
        var reading = reading(["CREDENTIALS_DIRECTORY": files.folder])
        #expect(reading.value(of: Self.picky) == nil)
        #expect(reading.problems == ["TALLYD_PICKY is too weak; write a longer one"])
        #expect(reading.listing.entries.map(\.value) == ["(set)"])
        var dumped = ""
        dump(reading, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }
}
