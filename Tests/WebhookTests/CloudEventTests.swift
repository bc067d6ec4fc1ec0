import Foundation
import Scheduling
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `CloudEvents` {
    private static func event(source: String = "/tallyd", subject: String? = nil, data: String = "{}") throws
        -> CloudEvent
    {
        try CloudEvent(
            id: MessageID("evt_1"), type: EventType("usage.day_sealed"), source: source, subject: subject,
            time: Instant(milliseconds: 1_700_000_000_123), data: data)
    }

    @Test func `the envelope has the members of version 1.0, and the payload as it was`() throws {
        #expect(
            try Self.event(subject: "2026-11-20", data: #"{"b": 1.50, "a":[ ]}"#).body
                == #"{"specversion":"1.0","id":"evt_1","source":"/tallyd","type":"usage.day_sealed","subject":"2026-11-20","#
                + #""time":"2023-11-14T22:13:20.123Z","datacontenttype":"application/json","data":{"b": 1.50, "a":[ ]}}"#
        )
        #expect(CloudEvent.contentType.hasPrefix("application/cloudevents+json"))
    }

    @Test(arguments: ["1", "null", "\"x\"", "[1,2]", "true"])
    func `a payload may be any JSON value`(data: String) throws {
        let body = try Self.event(data: data).body
        let object = try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
        #expect(object.keys.sorted() == ["data", "datacontenttype", "id", "source", "specversion", "time", "type"])
    }

    @Test func `any subject comes back from another reader`() throws {
        var random = SplitMix64(for: "subjects of CloudEvents")
        for _ in 0..<2_000 {
            let scalars = (0..<Int.random(in: 1...10, using: &random)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...(Bool.random(using: &random) ? 0x7F : 0x10FFFF), using: &random))
            }
            guard !scalars.isEmpty else { continue }
            let subject = String(String.UnicodeScalarView(scalars))
            let body = try Self.event(subject: subject).body
            let object = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
            #expect((object?["subject"] as? String).map { Array($0.unicodeScalars) } == scalars)
        }
    }

    @Test(
        arguments: [
            ("", nil, "{}", "source_malformed"), ("a b", nil, "{}", "source_malformed"),
            ("ä", nil, "{}", "source_malformed"),
            ("/x\r\n", nil, "{}", "source_malformed"), ("/x", "", "{}", "subject_empty"),
            ("/x", nil, "", "payload_not_json"),
            ("/x", nil, "{", "payload_not_json"), ("/x", nil, "{},\"specversion\":\"2\"", "payload_not_json"),
        ] as [(String, String?, String, String)])
    func `what the envelope cannot hold is refused by name`(
        source: String, subject: String?, data: String, name: String
    ) {
        let defect = #expect(throws: Defect.self) { try Self.event(source: source, subject: subject, data: data) }
        #expect(defect?.name == name)
    }

    @Test func `a time outside of RFC 3339 is refused`() throws {
        let (id, type) = try (MessageID("1"), EventType("x"))
        for time in [Int64.min, .max] {
            #expect(throws: Defect.self) {
                try CloudEvent(id: id, type: type, source: "/x", time: Instant(milliseconds: time), data: "1")
            }
        }
    }
}

@Suite struct `Consent to deliveries` {
    @Test func `the request names the origin, and the rate where one is asked for`() throws {
        let consent = try DeliveryConsent(origin: "Gateway.Example.com", rate: 120)
        #expect(consent.requestHeaders.map(\.name) == ["WebHook-Request-Origin", "WebHook-Request-Rate"])
        #expect(consent.requestHeaders.map(\.value) == ["gateway.example.com", "120"])
        #expect(try DeliveryConsent(origin: "a.example").requestHeaders.map(\.value) == ["a.example"])
    }

    @Test(arguments: ["", "a b", "1.2.3.4", "[::1]", "x\r\ny", "ä.example", "a.example."])
    func `an origin is a DNS name`(origin: String) {
        #expect(throws: Defect.self) { try DeliveryConsent(origin: origin) }
    }

    @Test func `a rate is at least one`() {
        #expect(throws: Defect.self) { try DeliveryConsent(origin: "a.example", rate: 0) }
    }

    @Test(
        arguments: [
            (nil, nil, .refused(.withoutOrigin)), ("", "*", .refused(.withoutOrigin)),
            ("b.example", "*", .refused(.otherOrigin)),
            ("*.example", "*", .refused(.otherOrigin)), ("a.example, b.example", "*", .refused(.otherOrigin)),
            ("a.example", nil, .refused(.withoutRate)), ("a.example", "", .refused(.malformedRate)),
            ("a.example", "0", .refused(.malformedRate)), ("a.example", "-1", .refused(.malformedRate)),
            ("a.example", "1.5", .refused(.malformedRate)), ("a.example", "9999999999", .refused(.malformedRate)),
            ("*", "*", .granted(perMinute: nil)), (" A.Example ", "\t100 ", .granted(perMinute: 100)),
            ("a.example", "1", .granted(perMinute: 1)),
        ] as [(String?, String?, DeliveryConsent.Answer)])
    func `an answer is read from its headers`(origin: String?, rate: String?, answer: DeliveryConsent.Answer) throws {
        let asked = try DeliveryConsent(origin: "a.example", rate: 120)
        #expect(asked.answer(allowedOrigin: origin, allowedRate: rate) == answer)
    }

    @Test func `without a rate that was asked for, none has to be granted`() throws {
        let asked = try DeliveryConsent(origin: "a.example")
        #expect(asked.answer(allowedOrigin: "*", allowedRate: nil) == .granted(perMinute: nil))
        #expect(asked.answer(allowedOrigin: "*", allowedRate: "60") == .granted(perMinute: 60))
    }
}
