import Foundation
import TestSupport
import Testing

@testable import Webhooks

/// Holds our signatures against other people's code: PyPI's `standardwebhooks` and `cryptography`, where python3 has them
/// (`pip install standardwebhooks cryptography`; TALLYD_TEST_PYTHONPATH may name where they are).
@Suite struct `Peers in Python` {
    private static let script = """
        import base64, datetime, json, sys
        from standardwebhooks import Webhook
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        for line in sys.stdin:
            m = json.loads(line)
            body = base64.b64decode(m["body"])
            if "secret" in m:
                peer = Webhook(m["secret"] if m["secret"].startswith("whsec_") else m["secret"].encode())
                time = datetime.datetime.fromtimestamp(m["time"], tz=datetime.timezone.utc)
                print("ok" if peer.sign(m["id"], time, body.decode()) == m["signature"] else "differs")
            else:
                key = Ed25519PublicKey.from_public_bytes(base64.b64decode(m["public"][len("whpk_"):]))
                content = ("%s.%d." % (m["id"], m["time"])).encode() + body
                key.verify(base64.b64decode(m["signature"][len("v1a,"):]), content)
                print("ok")
        """

    @Test(
        .enabled(
            if: Python.hasWebhookPeers,
            "python3 lacks standardwebhooks or cryptography: pip install standardwebhooks cryptography"))
    func `another implementation signs the same and verifies ours`() async throws {
        var random = SplitMix64(for: "peers in Python")
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
        var lines: [String] = []
        for round in 0..<300 {
            let time = Int64.random(in: 1...4_000_000_000, using: &random)
            let size = round == 0 ? 0 : round == 1 ? 1_048_576 : Int.random(in: 0...2_000, using: &random)
            // The peer's HMAC takes text alone, so bodies for it are UTF-8; Ed25519 gets any bytes.
            let text = (0..<size).map { _ in UInt8.random(in: 32...126, using: &random) }
            let secret: WebhookSecret
            switch round % 3 {
            case 0: secret = try .generate(.hmacSHA256, from: bytes(Int.random(in: 24...64, using: &random)))
            case 1: secret = try WebhookSecret("raw \(round) ä")
            default: secret = try .generate(.ed25519, from: bytes(32))
            }
            let body = secret.scheme == .ed25519 ? bytes(size) : text
            let id = try MessageID("msg_\(round)")
            let signature = try WebhookSignature(id: id, timestamp: time, body: body, secret: secret)
            var message: [String: Any] = [
                "id": id.description, "time": time, "body": Data(body).base64EncodedString(),
                "signature": signature.description,
            ]
            if let key = secret.publicKey {
                message["public"] = key.description
            } else {
                message["secret"] = secret.serialized
            }
            lines.append(String(decoding: try JSONSerialization.data(withJSONObject: message), as: UTF8.self))
        }
        let run = try await ToolRun.run(
            "python3", ["-c", Self.script], variables: Python.variablesWithPackages,
            input: Data(lines.joined(separator: "\n").utf8))
        #expect(run.status == 0, "\(run.errors.suffix(500))")
        #expect(run.output.split(separator: "\n") == Array(repeating: "ok", count: lines.count))
    }
}
