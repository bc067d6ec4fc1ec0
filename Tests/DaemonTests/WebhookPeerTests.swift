import Foundation
import Scheduling
import TestSupport
import Testing
import Webhooks

@testable import Daemon
@testable import Storage

/// What the service really sent, held against other people's code: PyPI's `standardwebhooks` verifies v1, its `cryptography` v1a.
@Suite struct `Webhook peers` {
    private static let script = """
        import base64, json, sys
        from standardwebhooks import Webhook
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        for line in sys.stdin:
            m = json.loads(line)
            body = base64.b64decode(m["body"])
            for secret in m["secrets"]:
                # Raises where it does not verify.
                Webhook(secret if secret.startswith("whsec_") else secret.encode()).verify(body, m["headers"])
                print("ok")
            for public in m["keys"]:
                key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public[len("whpk_"):]))
                content = ("%s.%s." % (m["headers"]["webhook-id"], m["headers"]["webhook-timestamp"])).encode() + body
                parts = [s for s in m["headers"]["webhook-signature"].split(" ") if s.startswith("v1a,")]
                assert len(parts) == 1
                key.verify(base64.b64decode(parts[0][len("v1a,"):]), content)
                print("ok")
        """

    @Test(
        .enabled(
            if: Python.hasWebhookPeers,
            "python3 lacks standardwebhooks or cryptography: pip install standardwebhooks cryptography"))
    func `other people's code verifies what was sent, up to a mebibyte, over rotations and in both schemes`()
        async throws
    {
        let place = try await DeliveringDaemon()
        let server = try EndpointServer()
        defer { server.close() }
        let old = try WebhookSecret.generate(.hmacSHA256, from: (0..<32).map { UInt8($0) }).serialized
        let new = try WebhookSecret.generate(.hmacSHA256, from: (0..<64).map { UInt8($0 * 3) })
        let signing = try WebhookSecret.generate(.ed25519, from: (0..<32).map { UInt8($0 + 100) })
        let now = DeliveringDaemon.now()
        let soon = Instant(milliseconds: now.milliseconds + 3_600_000)
        try await place.add("plain", url: server.url("/plain"), secret: "a secret of 1.0.0 ä")
        try await place.add("rotated", url: server.url("/rotated"), secret: old)
        try await place.add("ed25519", url: server.url("/ed25519"), secret: old)
        #expect(try await place.outbox.rotateSecret("rotated", to: new.serialized, overlapEnd: soon, now: now))
        #expect(try await place.outbox.rotateSecret("ed25519", to: signing.serialized, overlapEnd: soon, now: now))
        for size in [2, 262_144, 1_048_576] {
            try await place.send("usage.recorded", "\"" + String(repeating: "ä", count: size / 2 - 1) + "\"")
        }
        try await place.run { try await place.settled(9) }
        let expected: [String: (secrets: [String], keys: [String])] = [
            "/plain": (["a secret of 1.0.0 ä"], []), "/rotated": ([old, new.serialized], []),
            "/ed25519": ([old], [try #require(signing.publicKey).description]),
        ]
        var lines: [String] = []
        for request in server.requests {
            let keys = try #require(expected[request.path])
            let message: [String: Any] = [
                "headers": request.headers, "body": Data(request.body.utf8).base64EncodedString(),
                "secrets": keys.secrets, "keys": keys.keys,
            ]
            lines.append(String(decoding: try JSONSerialization.data(withJSONObject: message), as: UTF8.self))
        }
        #expect(lines.count == 9)
        #expect(server.requests.contains { $0.body.utf8.count == 1_048_576 })
        let run = try await ToolRun.run(
            "python3", ["-c", Self.script], variables: Python.variablesWithPackages,
            input: Data(lines.joined(separator: "\n").utf8))
        #expect(run.status == 0, "\(run.errors.suffix(500))")
        #expect(run.output.split(separator: "\n") == Array(repeating: "ok", count: 3 * (1 + 2 + 2)))
    }
}
