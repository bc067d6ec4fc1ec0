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

    @Test func `a secret is listed as set or not set`() {
        var set = SettingsReading(environment: ["TALLYD_TOKEN": "hunter2"], commandLine: [:])
        #expect(set.value(of: Self.token)?.reveal() == "hunter2")
        #expect(set.listing.entries.map(\.value) == ["(set)"])
        var unset = SettingsReading(environment: [:], commandLine: [:])
        #expect(unset.value(of: Self.token) == nil)
        #expect(unset.listing.entries.map(\.value) == ["(not set)"])
    }

    @Test func `a refused secret is not shown`() {
        var reading = SettingsReading(environment: ["TALLYD_PICKY": "hunter2"], commandLine: [:])
        #expect(reading.value(of: Self.picky) == nil)
        #expect(reading.problems == ["TALLYD_PICKY is too weak; write a longer one"])
        #expect(reading.listing.entries.map(\.value) == ["(set)"])
    }
}
