import Foundation
package import Scheduling

/// An event in the envelope of CloudEvents 1.0, structured mode: context and data in one JSON object.
/// CloudEvents 1.0.2 section 3; JSON Event Format 1.0.2 sections 2 and 3; HTTP Protocol Binding 1.0.2 section 3.2.
package struct CloudEvent: Hashable, Sendable {
    package let id: MessageID
    package let type: EventType
    /// A URI-reference that names what the event came from: `/tallyd`, `https://gateway.example.com`.
    package let source: String
    /// What in the source it is about; nil for nothing in particular.
    package let subject: String?
    /// When it happened, not when it is sent.
    package let time: Instant
    /// The payload as JSON, byte for byte as it was stored.
    package let data: String

    package static let contentType = "application/cloudevents+json; charset=utf-8"

    /// - Throws: `Defect`, for a source that is no URI-reference in visible ASCII, an empty subject, a time that RFC 3339
    ///   cannot write, and data that is not JSON.
    package init(
        id: MessageID, type: EventType, source: String, subject: String? = nil, time: Instant, data: String
    ) throws(Defect) {
        let isVisible = source.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard !source.isEmpty, isVisible, !source.contains(where: { "\"<>\\^`{|}".contains($0) }) else {
            throw Defect("source_malformed", "is no URI-reference", remedy: "write one such as /tallyd")
        }
        guard subject?.isEmpty != true else {
            throw Defect("subject_empty", "is empty", remedy: "leave it out, or write what the event is about")
        }
        // RFC 3339 has years of four digits, and Instant writes others as a plain number.
        guard time.description.hasSuffix("Z") else {
            throw Defect("time_out_of_range", "is outside the years 0 to 9999", remedy: "write when it happened")
        }
        guard (try? JSONSerialization.jsonObject(with: Data(data.utf8), options: .fragmentsAllowed)) != nil else {
            throw Defect("payload_not_json", "is not JSON", remedy: "write a JSON value")
        }
        self.id = id
        self.type = type
        self.source = source
        self.subject = subject
        self.time = time
        self.data = data
    }

    /// The body to send, and to sign.
    package var body: String {
        var members = [
            ("specversion", "\"1.0\""),
            ("id", JSONLiteral.quoted(id.description)),
            ("source", JSONLiteral.quoted(source)),
            ("type", JSONLiteral.quoted(type.description)),
            ("time", JSONLiteral.quoted(time.description)),
            ("datacontenttype", "\"application/json\""),
        ]
        if let subject { members.insert(("subject", JSONLiteral.quoted(subject)), at: 4) }
        members.append(("data", data))
        return "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }
}
