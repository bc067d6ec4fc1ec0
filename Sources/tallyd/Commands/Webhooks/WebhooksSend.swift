import ArgumentParser
import Foundation
import Storage
import Webhooks

/// `tallyd webhooks send`.
struct WebhooksSend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Enter an event, as the gateway does, and print its id.",
        discussion: """
            Whoever has asked for its type is told: the user's endpoints and the operators', without --user the operators' alone. Type and \
            payload are checked first, and what could be told to nobody for them is not entered. Who is told is decided by `tallyd run`: \
            `tallyd webhooks events --event ID` says how many.

            EXAMPLES
              tallyd webhooks send --type invoice.paid --data '{"invoice":"i7"}' --user acme
              tallyd webhooks send --type usage.note --data @note.json
              jq -n '{n: 1}' | tallyd webhooks send --type usage.note --data -
            """)

    @Option(help: "Its type: letters, digits and underscores in groups, with full stops between.") var type: String
    @Option(
        help: ArgumentHelp(
            "Its payload: JSON, @ and a file's name, or - for standard input.", valueName: "json|@file|-"))
    var data: String
    @Option(help: ArgumentHelp("Whose event it is.", valueName: "id")) var user: String?
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        _ = try eventType()
        if let user, user.isEmpty {
            throw ValidationError("--user is empty: name a user, or leave it out for the operators alone.")
        }
    }

    private func eventType() throws -> EventType {
        do throws(Defect) {
            return try EventType(type)
        } catch {
            throw ValidationError("--type \(error).")
        }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let outbox = Outbox(store: database.store)
        let payload = try Self.payload(data)
        if let defect = try await outbox.defect(ofPayload: payload) { throw ValidationError("--data \(defect).") }
        let id = try await outbox.send(type: try eventType(), payload: payload, user: user, now: WallClock.now())
        print(
            json
                ? try JSONValue.object(["id": .string(id), "type": .string(type), "user": JSONValue(user)]).text() : id)
    }

    private static func payload(_ text: String) throws -> String {
        let isFile = text.hasPrefix("@")
        guard isFile || text == "-" else { return text }
        let name = isFile ? String(text.dropFirst()) : "standard input"
        guard !name.isEmpty else { throw ValidationError("--data @ names no file: write its name after the @.") }
        let bytes: Data
        do {
            let file = isFile ? try FileHandle(forReadingFrom: URL(filePath: name)) : .standardInput
            // One more than may be tells that it is too long, however long it is.
            bytes = try file.read(upToCount: FanOutPlan.longestPayload + 1) ?? Data()
        } catch {
            let remedy = isFile ? "Name a file after the @ that this user may read." : "Pipe JSON into it."
            Terminal.complain("cannot read \(name.printable): it is not there, or may not be read. \(remedy)")
            throw ExitStatus.noInput.code
        }
        guard let whole = String(validating: bytes, as: UTF8.self) else {
            throw ValidationError("--data: \(name.printable) is not UTF-8, as JSON has to be.")
        }
        // A file ends with a line break that is no part of what it says.
        return String(whole.reversed().drop { $0.isWhitespace }.reversed())
    }
}
