/// What can be done about the reasons that deliveries, attempts and dead letters bear.
enum ReasonText {
    /// - Parameter endpoint: the one that the delivery was for; nil for none, or for several.
    static func remedy(_ reason: String, endpoint: String?) -> String {
        let id = endpoint?.printable ?? "ID"
        return switch reason {
        case _ where isOfEvent(reason): "the event itself can be told to nobody, and no replay mends it"
        case "endpoint_deleted": "its row of webhooks was deleted"
        case "event_missing": "its row of webhook_events was deleted"
        case "url_not_https": "write https into webhooks.url, or set TALLYD_WEBHOOK_ALLOW_HTTP=on"
        case "address_refused":
            "TALLYD_WEBHOOK_ALLOW names addresses and hosts that may be delivered to though they are not public"
        case "endpoint_gone", "gone": "`tallyd webhooks enable \(id)`, then replay"
        case "endpoint_disabled":
            "`tallyd webhooks enable \(id)`, which one that was failing does by itself with its first success, then replay"
        case "endpoint_inactive": "set is_active in webhooks, then replay"
        case _ where reason.hasPrefix("url_"): "mend webhooks.url, then replay"
        case _ where reason.hasPrefix("events_") || reason.hasPrefix("pattern_"): "mend webhooks.events, then replay"
        case _ where reason.hasPrefix("secret_"): "`tallyd webhooks rotate-secret \(id)`, then replay"
        case "endpoint_id_odd": "give the row of webhooks an id that is a text"
        case "consent_refused": "have its receiver answer the OPTIONS question, or set --format standard, then replay"
        default: "`tallyd webhooks attempts --endpoint \(id)` shows what came of each; once that is mended, replay"
        }
    }

    /// Whether a replay may end otherwise.
    static func canBeMended(_ reason: String) -> Bool {
        !isOfEvent(reason) && !["endpoint_deleted", "event_missing", "endpoint_id_odd"].contains(reason)
    }

    private static func isOfEvent(_ reason: String) -> Bool {
        ["id_", "type_", "user_", "payload_"].contains { reason.hasPrefix($0) }
    }
}
