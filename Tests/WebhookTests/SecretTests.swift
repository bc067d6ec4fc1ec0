import Crypto
import Foundation
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `Webhook secrets` {
    @Test(arguments: [24, 25, 26, 32, 63, 64])
    func `a symmetric secret of 24 to 64 bytes is read`(count: Int) throws {
        let bytes = (0..<count).map { UInt8($0) }
        let text = "whsec_" + Data(bytes).base64EncodedString()
        let secret = try WebhookSecret(text)
        #expect(secret.scheme == .hmacSHA256)
        #expect(secret.publicKey == nil)
        #expect(secret.serialized == text)
        #expect(try WebhookSecret(text.replacing("=", with: "")) == secret)
        #expect(try WebhookSecret.generate(.hmacSHA256, from: bytes) == secret)
    }

    @Test func `a private key is its seed, or seed and public key`() throws {
        let seed = Array("TESTSIGNINGKEYDONOTUSETHISFORANY".utf8)
        let short = try WebhookSecret("whsk_" + Data(seed).base64EncodedString())
        let key = try #require(short.publicKey)
        let long = try WebhookSecret("whsk_" + Data(seed + key.key.rawRepresentation).base64EncodedString())
        #expect(short.scheme == .ed25519)
        #expect(short == long)
        #expect(try WebhookPublicKey(key.description) == key)
        #expect(key.description.hasPrefix("whpk_"))
        #expect(try WebhookSecret.generate(.ed25519, from: seed) == short)
    }

    @Test(arguments: [
        "hunter2", "x", "ein Geheimnis mit Umlaut: ä", "WHSE_", "whpub", "\u{0}", "whsec", "secret whsec_x",
    ])
    func `a text without a prefix is the key's own bytes`(text: String) throws {
        let secret = try WebhookSecret(text)
        let same = try WebhookVerifierCase(secret: secret)
        #expect(same.verdict(under: .secret(try WebhookSecret(text))) == .genuine(key: 0))
        #expect(secret.scheme == .hmacSHA256)
    }

    static let refused: [(String, String)] = [
        ("", "secret_empty"),
        ("whsec_", "secret_too_short"),
        ("whsec_" + Data(count: 23).base64EncodedString(), "secret_too_short"),
        ("whsec_" + Data(count: 65).base64EncodedString(), "secret_too_long"),
        ("whsec_" + Data(count: 4_000).base64EncodedString(), "secret_too_long"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "secret_not_base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ", "secret_not_base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "secret_not_base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-", "secret_not_base64"),
        ("whsec_" + String(repeating: "A", count: 32) + "====", "secret_not_base64"),
        // The last two bits would be dropped.
        ("whsec_" + String(repeating: "A", count: 33) + "B==", "secret_not_base64"),
        ("whsk_" + Data(count: 31).base64EncodedString(), "secret_too_short"),
        ("whsk_" + Data(count: 48).base64EncodedString(), "secret_wrong_length"),
        ("whsk_" + Data(count: 65).base64EncodedString(), "secret_too_long"),
        ("whsk_" + Data(count: 64).base64EncodedString(), "secret_halves_differ"),
        ("whsk_!", "secret_not_base64"),
        ("whpk_" + Data(count: 32).base64EncodedString(), "secret_is_public_key"),
        (" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret_prefix_malformed"),
        ("\u{FEFF}whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret_prefix_malformed"),
        ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret_prefix_malformed"),
        ("\n\tWhsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret_prefix_malformed"),
    ]

    @Test(arguments: refused)
    func `a malformed secret is refused by name, and not repeated`(text: String, name: String) {
        let defect = #expect(throws: Defect.self) { try WebhookSecret(text) }
        #expect(defect?.name == name)
        if text.utf8.count > 12 {
            #expect(
                defect?.description.contains(text.trimmingCharacters(in: .whitespacesAndNewlines).dropFirst(6)) == false
            )
        }
    }

    @Test func `no description, mirror or dump shows a secret`() throws {
        let texts = [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=", "hunter2",
        ]
        for text in texts {
            let secret = try WebhookSecret(text)
            var dumped = ""
            dump(WebhookVerifier(keys: [.secret(secret)]), to: &dumped)
            for shown in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
                #expect(!shown.contains(text.suffix(7)))
                #expect(shown.contains("redacted"))
            }
        }
    }

    @Test func `generation refuses other numbers of bytes`() {
        #expect(throws: Defect.self) { try WebhookSecret.generate(.hmacSHA256, from: [UInt8](repeating: 1, count: 23)) }
        #expect(throws: Defect.self) { try WebhookSecret.generate(.ed25519, from: [UInt8](repeating: 1, count: 33)) }
    }

    @Test(arguments: ["", "whpk_", "whpk_AA==", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whpk_-", "whsk_AAAA"])
    func `a malformed public key is refused`(text: String) {
        #expect(throws: Defect.self) { try WebhookPublicKey(text) }
    }

    @Test func `base64 agrees with Foundation's encoder, and has one spelling`() {
        var random = SplitMix64(for: "base64")
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...70, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64Text.decode(text[...]) == bytes)
            guard !text.isEmpty else { continue }
            var other = Array(text.utf8)
            other[Int.random(in: 0..<other.count, using: &random)] = UInt8.random(in: 0...127, using: &random)
            let changed = String(decoding: other, as: UTF8.self)
            if let read = Base64Text.decode(changed[...]) {
                #expect(Base64Text.encode(read).replacing("=", with: "") == changed.replacing("=", with: ""))
            }
        }
    }
}

@Suite struct `Message ids and event types` {
    @Test(arguments: ["msg_p5jXN8AQM9LWM0D4loKWxJek", "1", "a-b:c/d", String(repeating: "x", count: 256)])
    func `an id of visible characters is taken`(text: String) throws {
        #expect(try MessageID(text).description == text)
    }

    @Test(arguments: [
        ("", "id_empty"), ("a.b", "id_has_full_stop"), ("a\rb", "id_has_line_break"), ("a\n", "id_has_line_break"),
        ("a\r\nb", "id_has_line_break"), ("\u{0}", "id_has_nul"), ("a b", "id_has_odd_character"),
        ("ä", "id_has_odd_character"), ("a\u{7F}", "id_has_odd_character"),
        (String(repeating: "x", count: 257), "id_too_long"),
    ])
    func `an id with a full stop, a line break or a NUL is refused`(text: String, name: String) {
        #expect(#expect(throws: Defect.self) { try MessageID(text) }?.name == name)
    }

    @Test(arguments: ["usage.day_sealed", "a", "A.b.C_9", "_", String(repeating: "x", count: 256)])
    func `a type of groups is taken`(text: String) throws {
        #expect(try EventType(text).description == text)
    }

    @Test(arguments: [
        ("", "type_empty"), (".", "type_has_empty_group"), ("a..b", "type_has_empty_group"),
        (".a", "type_has_empty_group"),
        ("a.", "type_has_empty_group"), ("a\r\nb", "type_has_line_break"), ("a\u{0}", "type_has_nul"),
        ("a-b", "type_has_odd_character"), ("usage.*", "type_has_odd_character"), ("é", "type_has_odd_character"),
        (String(repeating: "x", count: 257), "type_too_long"),
    ])
    func `another type is refused`(text: String, name: String) {
        #expect(#expect(throws: Defect.self) { try EventType(text) }?.name == name)
    }
}
