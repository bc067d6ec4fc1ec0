import Foundation
import Scheduling
import Storage
import Webhooks

/// An endpoint as people and scripts are shown it: without its secret, and without the query of its url.
extension OutboxReport.Endpoint {
    private var health: EndpointHealth { record?.health ?? EndpointHealth() }

    /// Plain http is the settings' affair, not one of form.
    private var readURL: Result<DeliveryURL, Defect> {
        guard let url else { return .failure(Defect("url_null", "is NULL", remedy: "write https:// and a host name")) }
        return Result { () throws(Defect) in try DeliveryURL(url, allowingHTTP: true) }
    }

    private var eventsDefect: Defect? {
        do throws(Defect) {
            _ = try EventFilter(json: events ?? "")
            return nil
        } catch {
            return error
        }
    }

    /// Nil for a list that is refused.
    private var eventList: [String]? {
        eventsDefect == nil ? try? JSONDecoder().decode([String].self, from: Data((events ?? "").utf8)) : nil
    }

    /// Never the text of one that is refused: what is wrong with it may be a password in it.
    var urlText: String {
        switch readURL {
        case .success(let url): url.redacted
        case .failure(let defect): "refused: \(defect.name)"
        }
    }

    var eventsText: String {
        guard let list = eventList else { return "refused: \(eventsDefect?.name ?? "events_malformed")" }
        return list.isEmpty ? "none" : list.joined(separator: ", ")
    }

    /// As the table webhook_endpoints names it; `inactive` where the gateway has turned it off, `refused` where something in its row keeps all messages
    /// from it. Only of one that is `enabled` everything goes.
    var standing: String {
        if !isActive { return "inactive" }
        guard recordedStanding == "enabled" else { return recordedStanding }
        return defects.isEmpty ? "enabled" : "refused"
    }

    private var recordedStanding: String {
        switch health.standing {
        case .disabled(.gone, _, _), .disabled(.switchedOff, _, _): break
        case .disabled(.failing, _, _), .enabled: if record?.isURLChanged == true { return "url_changed" }
        }
        return if case .disabled(let cause, _, _) = health.standing { cause.rawValue } else { "enabled" }
    }

    var standingText: String { standing.replacing("_", with: " ") }

    /// In the form of all other times, whichever the gateway's is.
    var lastDeliveryText: String? {
        lastDelivery.map { text in lastDeliveryAt?.description ?? text }
    }

    private var lastDeliveryAt: Instant? {
        lastDelivery.flatMap { text in Instant(iso8601: text) ?? Double(text).flatMap { Instant(unix: $0) } }
    }

    /// Why nothing that is queued for it would arrive, and what to do; nil where something may.
    var obstacle: String? {
        let subject = "endpoint \(id.printable)"
        let enable = "`tallyd webhooks enable \(id.printable)`"
        return switch standing {
        case "inactive":
            "\(subject) is inactive: set is_active in webhooks first\(recordedStanding == "enabled" ? "" : ", and \(enable)")"
        case "gone": "\(subject) has answered 410, gone: \(enable) first"
        case "switched_off": "\(subject) is disabled: \(enable) first"
        case "url_changed": "\(subject) waits, as its url changed and its secret did not: \(enable) if that is meant"
        case "refused": "\(subject) has \(defects.joined(separator: "; "))"
        default: nil
        }
    }

    private var defects: [String] {
        var defects: [String] = []
        if let defect = readURL.defect { defects.append("a url that \(defect)") }
        if let eventsDefect { defects.append("a list of events that \(eventsDefect)") }
        if case .malformed(let defect) = secret { defects.append("a secret that \(defect)") }
        return defects
    }

    func secretText(now: Instant) -> String {
        let former = formerSecrets(now: now).count
        return switch secret {
        case .none: "none"
        case .usable(let scheme): scheme.rawValue + (former > 0 ? " + \(former) former" : "")
        case .malformed(let defect): "refused: \(defect.name)"
        }
    }

    private func formerSecrets(now: Instant) -> [EndpointRecord.FormerSecret] {
        (record?.former ?? []).filter { $0.until > now }
    }

    /// What was set for it, and what there is to say beside the columns.
    func remarks(now: Instant) -> [String] {
        (record?.wishes ?? []) + notes(now: now)
    }

    /// What is in its way, and what to do about it.
    func notes(now: Instant) -> [String] {
        var notes: [String] = []
        let enable = "`tallyd webhooks enable \(id.printable)`"
        if !isActive { notes.append("is_active is off in webhooks") }
        switch recordedStanding {
        case "url_changed": notes.append("its url changed and its secret did not: if that is meant, \(enable)")
        case "gone": notes.append("it answered 410, gone: \(enable) tells it again")
        case "switched_off": notes.append("disabled by hand: \(enable) ends that")
        default: break
        }
        if let since = health.failingSince {
            notes.append(
                "failing since \(since), \(Figures.count(health.failedAttempts, "attempt")): `tallyd webhooks attempts --endpoint \(id.printable)` says why"
            )
        }
        if case .disabled(_, _, let probe?) = health.standing { notes.append("next probe \(probe)") }
        if case .open(let until) = health.breaker.state {
            notes.append(until > now ? "held until \(until)" : "held no longer, the next attempt decides")
        }
        if let until = record?.waitsUntil, until > now {
            notes.append("what is in front is attempted again at \(until)")
        }
        if case .failure(let defect) = readURL { notes.append("its url \(defect)") }
        if let eventsDefect { notes.append("events \(eventsDefect)") }
        if case .malformed(let defect) = secret { notes.append("its secret \(defect)") }
        // What has been delivered since says that it was mended.
        if let lastDead, lastDeliveryAt.map({ $0 <= lastDead.at }) ?? true {
            let remedy = ReasonText.remedy(lastDead.reason, endpoint: id)
            notes.append("last dead letter \(lastDead.at), \(lastDead.reason.printable): \(remedy)")
        }
        return notes
    }

    func json(now: Instant) -> JSONValue {
        var since: Instant?
        var probe: Instant?
        if case .disabled(_, let from, let next) = health.standing { (since, probe) = (from, next) }
        return .object([
            "id": .string(id), "user": .string(user), "url": JSONValue((try? readURL.get())?.redacted),
            "url_defect": JSONValue(readURL.defect?.name),
            "events": eventList.map { .array($0.map { .string($0) }) } ?? .null,
            "events_defect": JSONValue(eventsDefect?.name), "active": .bool(isActive), "standing": .string(standing),
            "standing_since": JSONValue(since), "failing_since": JSONValue(health.failingSince),
            "failed_attempts": JSONValue(health.failedAttempts), "next_probe_at": JSONValue(probe),
            "breaker": breakerJSON(now: now), "queued": JSONValue(pending + claimed), "claimed": JSONValue(claimed),
            "dead": JSONValue(dead),
            "next_attempt_at": JSONValue(record?.isURLChanged == true ? nil : nextAttempt),
            "last_dead_at": JSONValue(lastDead?.at), "last_dead_reason": JSONValue(lastDead?.reason),
            "last_delivery_at": JSONValue(lastDeliveryText), "secret": secretJSON(now: now), "wishes": wishesJSON,
        ])
    }

    private func breakerJSON(now: Instant) -> JSONValue {
        var (state, end): (String, Instant?) = ("closed", nil)
        if case .open(let until) = health.breaker.state {
            (state, end) = until > now ? ("open", until) : ("half_open", nil)
        }
        return .object([
            "state": .string(state), "until": JSONValue(end), "failures": JSONValue(health.breaker.failures),
        ])
    }

    private func secretJSON(now: Instant) -> JSONValue {
        var (scheme, defect): (String?, String?) = (nil, nil)
        switch secret {
        case .none: break
        case .usable(let usable): scheme = usable.rawValue
        case .malformed(let reason): defect = reason.name
        }
        return .object([
            "is_set": .bool(secret != .none), "scheme": JSONValue(scheme), "defect": JSONValue(defect),
            "former_until": .array(formerSecrets(now: now).map { JSONValue($0.until) }),
        ])
    }

    private var wishesJSON: JSONValue {
        .object([
            "format": .string((record?.format ?? .standard).rawValue), "ordered": .bool(record?.isOrdered ?? false),
            "in_flight": JSONValue(record?.maxInFlight), "rate_per_second": JSONValue(record?.ratePerSecond),
        ])
    }
}

extension EndpointRecord {
    /// What was set for this endpoint alone.
    var wishes: [String] {
        [
            format == .standard ? nil : format.rawValue, isOrdered ? "ordered" : nil,
            maxInFlight.map { "in flight \($0)" }, rateText,
        ].compactMap(\.self)
    }

    var rateText: String? {
        ratePerSecond.map { "rate \($0 == $0.rounded() ? "\(Int64($0))" : "\($0)") a second" }
    }
}

extension Result where Failure == Defect {
    fileprivate var defect: Defect? {
        if case .failure(let defect) = self { defect } else { nil }
    }
}
