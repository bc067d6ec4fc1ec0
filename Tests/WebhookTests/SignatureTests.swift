import Crypto
import Foundation
import Scheduling
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `Webhook signatures` {
    private static let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    private static let time: Int64 = 1_614_265_330
    private static let body = Array(#"{"test": 2432232314}"#.utf8)
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let privateKey = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="

    @Test func `the vectors of the reference libraries hold`() throws {
        let id = try MessageID(Self.id)
        let symmetric = try WebhookSignature(
            id: id, timestamp: Self.time, body: Self.body, secret: WebhookSecret(Self.secret))
        #expect(symmetric.description == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        let asymmetric = try WebhookSignature(
            id: id, timestamp: Self.time, body: Self.body, secret: WebhookSecret(Self.privateKey))
        #expect(
            asymmetric.description
                == "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==")
    }

    /// HMAC by its definition (RFC 2104 section 2), from SHA-256 alone.
    private static func oracle(_ body: [UInt8]) -> String {
        let key = Array(Data(base64Encoded: String(secret.dropFirst(6))) ?? Data())
        let block = key + Array(repeating: 0, count: 64 - key.count)
        let message = Array("\(id).\(time).".utf8) + body
        let inner = SHA256.hash(data: block.map { $0 ^ 0x36 } + message)
        return "v1," + Data(SHA256.hash(data: block.map { $0 ^ 0x5C } + Array(inner))).base64EncodedString()
    }

    static let bodies: [[UInt8]] = [
        [], [0], [0xFF, 0xFE, 0x80, 0x00, 0xC3], Array(repeating: UInt8(ascii: "x"), count: 256 * 1_024),
        (0..<(1_024 * 1_024)).map { UInt8(truncatingIfNeeded: $0 &* 31) },
    ]

    @Test(arguments: bodies)
    func `bodies of any bytes and up to a mebibyte are signed and verified`(body: [UInt8]) throws {
        let signed = try WebhookSignature(
            id: MessageID(Self.id), timestamp: Self.time, body: body, secret: WebhookSecret(Self.secret))
        #expect(signed.description == Self.oracle(body))
        for text in [Self.secret, Self.privateKey] {
            let secret = try WebhookSecret(text)
            var message = try WebhookVerifierCase(secret: secret, body: body)
            #expect(message.verdict(under: .secret(secret)) == .genuine(key: 0))
            message.body.append(0)
            #expect(message.verdict(under: .secret(secret)) == .refused(.noMatch))
        }
    }

    @Test func `a body in several pieces has the signature of the whole`() throws {
        let secrets = try [WebhookSecret(Self.secret), WebhookSecret(Self.privateKey)]
        let pieces = DispatchData.of(Self.body, cutAt: 7)
        for secret in secrets {
            let whole = try WebhookSignature(id: MessageID("a"), timestamp: 1, body: Self.body, secret: secret)
            #expect(try WebhookSignature(id: MessageID("a"), timestamp: 1, body: pieces, secret: secret) == whole)
        }
    }

    @Test func `a rotation signs with both secrets, one space between, and either key verifies`() throws {
        let secrets = try [WebhookSecret(Self.privateKey), WebhookSecret(Self.secret), WebhookSecret("old and raw")]
        let message = try WebhookVerifierCase(secret: secrets[0], former: [secrets[1], secrets[2], secrets[1]])
        let parts = try #require(message.headers.signature).components(separatedBy: " ")
        #expect(parts.map { $0.components(separatedBy: ",")[0] } == ["v1a", "v1", "v1"])
        #expect(parts.allSatisfy { !$0.isEmpty })
        for secret in secrets { #expect(message.verdict(under: .secret(secret)) == .genuine(key: 0)) }
        let key = try #require(secrets[0].publicKey)
        #expect(message.verdict(under: .publicKey(key)) == .genuine(key: 0))
        #expect(message.verdict(under: .secret(try WebhookSecret("other")), .publicKey(key)) == .genuine(key: 1))
        #expect(message.verdict(under: .secret(try WebhookSecret("other"))) == .refused(.noMatch))
        #expect(message.verdict() == .refused(.noMatch))
    }

    @Test func `the tolerance includes its limits`() throws {
        let secret = try WebhookSecret(Self.secret)
        var message = try WebhookVerifierCase(secret: secret)
        for (offset, verdict) in [
            (-301_000, WebhookVerifier.Verdict.refused(.tooNew)), (-300_000, .genuine(key: 0)),
            (300_999, .genuine(key: 0)),
            (301_000, .refused(.tooOld)),
        ] {
            message.now = Instant(milliseconds: 1_614_265_330_000 + Int64(offset))
            #expect(message.verdict(under: .secret(secret)) == verdict, "\(offset)")
        }
    }

    @Test func `missing and malformed headers are refused by name`() throws {
        let secret = try WebhookSecret(Self.secret)
        let good = try WebhookVerifierCase(secret: secret)
        func verdict(_ change: (inout WebhookVerifier.Headers) -> Void) -> WebhookVerifier.Verdict {
            var message = good
            change(&message.headers)
            return message.verdict(under: .secret(secret))
        }
        let signature = try #require(good.headers.signature)
        #expect(verdict { $0.id = nil } == .refused(.missingHeader))
        #expect(verdict { $0.timestamp = nil } == .refused(.missingHeader))
        #expect(verdict { $0.signature = nil } == .refused(.missingHeader))
        #expect(verdict { $0.id = "msg.1" } == .refused(.malformedID))
        #expect(verdict { $0.id = "msg_2" } == .refused(.noMatch))
        for text in ["", "x", "-1", "+1614265330", "1614265330.0", " 1614265330", "9999999999999999"] {
            #expect(verdict { $0.timestamp = text } == .refused(.malformedTimestamp), "\(text)")
        }
        #expect(verdict { $0.timestamp = "1614265331" } == .refused(.noMatch))
        #expect(verdict { $0.timestamp = "01614265330" } == .refused(.noMatch))
        for text in [
            "", " ", "v1", "v1,", "v2," + signature.dropFirst(3), signature.dropFirst(3).description,
            "v1a," + signature.dropFirst(3),
        ] {
            #expect(verdict { $0.signature = text } == .refused(.noMatch), "\(text)")
        }
        #expect(verdict { $0.signature = "v1,AAAA v3,x ,  \(signature) v1," } == .genuine(key: 0))
        #expect(
            verdict { $0.signature = String(repeating: "v1,AAAA ", count: 2_000) + signature } == .refused(.noMatch))
    }

    @Test func `no changed bit of a message or its signature passes`() throws {
        var random = SplitMix64(for: "changed bits")
        for text in [Self.secret, Self.privateKey] {
            let secret = try WebhookSecret(text)
            let good = try WebhookVerifierCase(secret: secret, body: Self.body)
            let parts = try #require(good.headers.signature).components(separatedBy: ",")
            let bytes = Array(try #require(Data(base64Encoded: parts[1])))
            for _ in 0..<200 {
                var message = good
                if Bool.random(using: &random) {
                    message.body[Int.random(in: 0..<message.body.count, using: &random)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                } else {
                    var other = bytes
                    other[Int.random(in: 0..<other.count, using: &random)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                    message.headers.signature = parts[0] + "," + Data(other).base64EncodedString()
                }
                #expect(message.verdict(under: .secret(secret)) == .refused(.noMatch))
            }
        }
    }
}

extension DispatchData {
    fileprivate static func of(_ bytes: [UInt8], cutAt index: Int) -> DispatchData {
        var data = bytes[..<index].withUnsafeBytes { DispatchData(bytes: $0) }
        bytes[index...].withUnsafeBytes { data.append(DispatchData(bytes: $0)) }
        return data
    }
}
