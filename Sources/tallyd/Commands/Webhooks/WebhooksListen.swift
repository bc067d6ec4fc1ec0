import ArgumentParser
import Foundation
import Scheduling
import WebhookReceiver
import Webhooks

/// `tallyd webhooks listen`.
struct WebhooksListen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen", abstract: "Receive webhooks here, verify them, and print a line for each.",
        discussion: """
            For trying things out: any sender of Standard Webhooks, and CloudEvents' OPTIONS question is answered with yes. What is \
            verified, or not checked for want of a key, gets --status; what is refused gets 401, and what is no message at all 400, 405 or 413. Needs no database. \
            Ctrl-C ends it, as a success: it has done what it was for.

            A secret on the command line can be seen by others on this machine: --secret-file keeps it from them. Several keys may be \
            given, and any of them may fit.

            EXAMPLES
              tallyd webhooks listen --port 8080 --secret-file key
              tallyd webhooks listen --public-key whpk_… --json
              tallyd webhooks listen --status 503 --delay 2s       a receiver that is not well
            """)

    @Option(help: ArgumentHelp("The port; 0 for any that is free.", valueName: "number")) var port = 0
    @Option(help: ArgumentHelp("The address to listen on.", valueName: "address")) var host = "127.0.0.1"
    @Option(help: ArgumentHelp("A secret that messages are signed with.", valueName: "whsec_…")) var secret: [String] =
        []
    @Option(help: ArgumentHelp("A file with such a secret, or a public key, as its only line.", valueName: "file"))
    var secretFile: [String] = []
    @Option(help: ArgumentHelp("The public key of an Ed25519 secret.", valueName: "whpk_…")) var publicKey: [String] =
        []
    @Option(help: ArgumentHelp("The status of the responses, 200 to 599.", valueName: "number")) var status = 200
    @Option(
        help: ArgumentHelp("How long each response takes, such as 2s.", valueName: "duration"), transform: Self.delay)
    var delay: Duration = .zero
    @Flag(help: "Print a JSON object a line instead of text.") var json = false

    @Sendable private static func delay(_ text: String) throws -> Duration {
        // Which the other durations know no use for.
        if text == "0s" { return .zero }
        guard let duration = try? DurationText.parse(text), duration <= .seconds(3_600) else {
            throw ValidationError("it is no duration up to 1h, such as 2s.")
        }
        return duration
    }

    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port \(port) is none: write 0 to 65535.")
        }
        guard (200...599).contains(status) else {
            throw ValidationError("--status \(status) is none that ends a request: write 200 to 599.")
        }
    }

    func run() async throws {
        let keys = try keys()
        let interruption = Interruption()
        let (json, host) = (json, host)
        let receiver = WebhookReceiver(
            verifier: keys.isEmpty ? nil : WebhookVerifier(keys: keys),
            manner: WebhookReceiver.Manner(status: status, delay: delay), now: WallClock.now,
            report: { Self.say(json ? Self.json($0) : .string(Self.line($0)), isJSON: json) })
        do {
            try await interruption.cancelling { [port] in
                try await receiver.run(host: host, port: port) { port in
                    let url = "http://\(host.contains(":") ? "[\(host)]" : host):\(port)/"
                    Self.say(
                        json ? .object(["listening": .string(url)]) : .string("listening on \(url.printable)"),
                        isJSON: json)
                }
            }
        } catch is Interrupted {
            // How it is meant to end.
            return
        } catch let error as WebhookReceiver.Unavailable {
            Terminal.complain(
                "cannot listen on \(host), port \(port): \(error.cause). --port 0 takes any free port, --host another address."
            )
            throw ExitStatus.failure.code
        }
        // The receiver may be through before its task is noticed to be cancelled.
    }

    /// - Throws: `ValidationError` that repeats no character of a key.
    private func keys() throws -> [WebhookVerifier.Key] {
        var keys: [WebhookVerifier.Key] = []
        do throws(Defect) {
            for text in secret { keys.append(.secret(try WebhookSecret(text))) }
        } catch {
            throw ValidationError("--secret \(error).")
        }
        for name in secretFile { keys.append(try Self.key(in: name)) }
        do throws(Defect) {
            for text in publicKey { keys.append(.publicKey(try WebhookPublicKey(text))) }
        } catch {
            throw ValidationError("--public-key \(error).")
        }
        return keys
    }

    private static let longestFile = 4_096

    private static func key(in name: String) throws -> WebhookVerifier.Key {
        let bytes: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: name))
            bytes = try file.read(upToCount: longestFile) ?? Data()
        } catch {
            Terminal.complain(
                "cannot read \(name.printable): it is no file, or may not be read. Name a file with a secret in it.")
            throw ExitStatus.noInput.code
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let line = lines.first, lines.count == 1 else {
            let count = lines.isEmpty ? "is empty" : "has \(lines.count) lines"
            throw ValidationError("--secret-file: \(name.printable) \(count); write the secret as its only line.")
        }
        do throws(Defect) {
            return line.hasPrefix("whpk_")
                ? .publicKey(try WebhookPublicKey(String(line))) : .secret(try WebhookSecret(String(line)))
        } catch {
            throw ValidationError("--secret-file: what \(name.printable) holds \(error).")
        }
    }

    /// At once, also into a pipe.
    private static func say(_ value: JSONValue, isJSON: Bool) {
        let text: String
        if case .string(let line) = value, !isJSON { text = line } else { text = (try? value.line()) ?? "" }
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// `2026-11-24T23:03:05.005Z  evt_…  usage.day_sealed  verified  77 bytes  0s old`
    static func line(_ request: ReceivedRequest) -> String {
        var parts = [request.receivedAt.description]
        switch request.content {
        case .handshake(let origin):
            parts.append("handshake of \(origin.map(short) ?? "nobody in particular")")
        case .refused(let reason): parts.append("refused: \(short(reason))")
        case .message(let check):
            parts += [request.id.map(short) ?? "no id", request.type.map(short) ?? "no type", words(check)]
        }
        parts.append(Figures.count(request.bytes, "byte"))
        if let age = request.age {
            parts.append(age < .zero ? "\(DurationText.format(.zero - age)) ahead" : "\(DurationText.format(age)) old")
        }
        return (parts + ["→ \(request.status)"]).joined(separator: "  ")
    }

    private static func words(_ check: ReceivedRequest.Check) -> String {
        switch check {
        case .verified(let key): key == 0 ? "verified" : "verified by key \(key + 1)"
        case .refused(let refusal): "refused: \(refusal.rawValue)"
        case .unchecked: "not checked"
        }
    }

    private static func short(_ text: String) -> String {
        (text.count > 80 ? text.prefix(79) + "…" : text[...]).description.printable
    }

    static func json(_ request: ReceivedRequest) -> JSONValue {
        var (kind, verdict, reason, origin): (String, String?, String?, String?) = ("message", nil, nil, nil)
        var key: Int?
        switch request.content {
        case .handshake(let from): (kind, origin) = ("handshake", from)
        case .refused(let why): (kind, reason) = ("refused", why)
        case .message(.verified(let index)): (verdict, key) = ("verified", index + 1)
        case .message(.refused(let refusal)): (verdict, reason) = ("refused", refusal.rawValue)
        case .message(.unchecked): verdict = "unchecked"
        }
        return .object([
            "received_at": JSONValue(request.receivedAt), "kind": .string(kind), "id": JSONValue(request.id),
            "type": JSONValue(request.type), "cloudevent": .bool(request.isCloudEvent), "verdict": JSONValue(verdict),
            "key": JSONValue(key), "reason": JSONValue(reason), "origin": JSONValue(origin),
            "bytes": JSONValue(request.bytes), "age_seconds": JSONValue(request.age?.components.seconds),
            "status": JSONValue(request.status),
        ])
    }
}
