import Foundation
import Scheduling
import Storage
import WebhookClient
package import Webhooks

/// What the settings say of webhooks. A reload changes all of it but the switch, the files and the total in flight.
package struct WebhookSettings: Sendable, Hashable {
    package var isOn: Bool
    /// Users whose endpoints are told everybody's events and tallyd's own.
    package var operators: [String]
    package var retries: RetrySchedule
    /// 1s to 60s: over resolving, connecting, the request and the whole response.
    package var timeout: Duration
    /// 1 to 20,000: of all endpoints together.
    package var inFlight: Int
    /// 1 to 1,000: of one endpoint that has no limit of its own.
    package var endpointInFlight: Int
    /// What was said of plain http; nil: nothing, and then it goes by what the database is for.
    package var saidOfHTTP: Bool?
    package var isProduction: Bool
    package var allowed: AddressList
    package var denied: AddressList
    /// Nil: never.
    package var disableAfter: Duration?
    /// PEM files.
    package var authorities: String?
    package var clientCertificate: String?
    package var clientKey: String?
    /// A DNS name.
    package var origin: String

    /// These with the live ones of others.
    func takingLive(of new: WebhookSettings) -> WebhookSettings {
        var taken = new
        taken.isOn = isOn
        taken.inFlight = inFlight
        taken.isProduction = isProduction
        (taken.authorities, taken.clientCertificate, taken.clientKey) = (authorities, clientCertificate, clientKey)
        return taken
    }

    /// Of the client, as far as it does not change while it runs.
    var client: WebhookClient.Configuration {
        var client = WebhookClient.Configuration()
        client.extraAuthorities = authorities
        if let chain = clientCertificate, let key = clientKey { client.clientCertificate = (chain, key) }
        return client
    }

    /// What is wrong with the files that it names, each by its variable.
    var fileProblems: [String] {
        client.fileDefects().map { file, defect in
            let (setting, path) =
                switch file {
                case .authorities: (SettingsTable.webhookAuthorities, authorities)
                case .clientCertificate: (SettingsTable.webhookClientCertificate, clientCertificate)
                case .clientKey: (SettingsTable.webhookClientKey, clientKey)
                }
            return "\(setting.name)=\(path ?? "") \(defect)"
        }
    }

    /// Whether a url may be plain http.
    package var allowsHTTP: Bool { saidOfHTTP ?? !isProduction }

    package var health: HealthPolicy {
        var policy = HealthPolicy.standard
        policy.disableAfter = disableAfter
        return policy
    }
}

extension SettingsTable {
    static let webhooks = Setting(
        "TALLYD_WEBHOOKS", .switched, whenAbsent: .use(true), example: "off",
        meaning: "Whether queued webhooks are delivered.")
    static let webhookOperators = Setting(
        "TALLYD_WEBHOOK_OPERATORS", .ids, whenAbsent: .leave, example: "admin", isLive: true,
        meaning: "Users whose endpoints are told of every user's events, and of tallyd's own.")
    static let webhookRetries = Setting(
        "TALLYD_WEBHOOK_RETRIES", .retries, whenAbsent: .use(.standard), example: "5s 1m 10m 1h", isLive: true,
        meaning: "How long a delivery waits after each attempt that failed; after the last it is a dead letter.")
    static let webhookTimeout = Setting(
        "TALLYD_WEBHOOK_TIMEOUT", .duration(.seconds(1)...(.seconds(60))), whenAbsent: .use(.seconds(15)),
        example: "5s", isLive: true,
        meaning: "How long one attempt may take, from resolving the name to the response's last byte.")
    static let webhookInFlight = Setting(
        "TALLYD_WEBHOOK_IN_FLIGHT", .count(1...60_000), whenAbsent: .use(12_288), example: "3000",
        meaning:
            "How many times 16 KiB and the payload all attempts under way may take of memory; one takes 7 of them over http and 12 over https."
    )
    static let webhookEndpointInFlight = Setting(
        "TALLYD_WEBHOOK_ENDPOINT_IN_FLIGHT", .count(1...1_000), whenAbsent: .use(8), example: "2", isLive: true,
        meaning: "How many attempts may be under way at one endpoint, if it has no limit of its own.")
    static let webhookAllowHTTP = Setting(
        "TALLYD_WEBHOOK_ALLOW_HTTP", .switched, whenAbsent: .leave, example: "on", isLive: true,
        meaning:
            "Whether an endpoint's url may be plain http; if not set, only where TALLYD_ENVIRONMENT is not production.")
    static let webhookAllow = Setting(
        "TALLYD_WEBHOOK_ALLOW", .addresses, whenAbsent: .leave, example: "10.0.0.0/8,*.internal.example.com",
        isLive: true,
        meaning: "Blocks of addresses and names that may be delivered to though they are not public.")
    static let webhookDeny = Setting(
        "TALLYD_WEBHOOK_DENY", .addresses, whenAbsent: .leave, example: "203.0.113.0/24", isLive: true,
        meaning: "Blocks of addresses and names that are never delivered to.")
    static let webhookDisableAfter = Setting(
        "TALLYD_WEBHOOK_DISABLE_AFTER", .retention(.seconds(3_600)...(.seconds(90 * 86_400))),
        whenAbsent: .use(.limited(.seconds(5 * 86_400))), example: "2d", isLive: true,
        meaning: "After how long with nothing but failures an endpoint is disabled; off for never.")
    static let webhookAuthorities = Setting(
        "TALLYD_WEBHOOK_CA_FILE", .path, whenAbsent: .leave, example: "/etc/tallyd/ca.pem",
        meaning: "A PEM file of authorities that are trusted beside the system's.")
    static let webhookClientCertificate = Setting(
        "TALLYD_WEBHOOK_CLIENT_CERTIFICATE", .path, whenAbsent: .leave, example: "/etc/tallyd/client.pem",
        meaning: "A PEM file with the certificate that endpoints are shown which ask for one.")
    static let webhookClientKey = Setting(
        "TALLYD_WEBHOOK_CLIENT_KEY", .path, whenAbsent: .leave, example: "/etc/tallyd/client.key",
        meaning: "A PEM file with that certificate's private key.")
    static let webhookOrigin = Setting(
        "TALLYD_WEBHOOK_ORIGIN", .dnsName, whenAbsent: .leave, example: "gateway.example.com", isLive: true,
        meaning: "The DNS name by which receivers of CloudEvents know the sender; if not set, the machine's host name.")

    static let ofWebhooks: [any SettingDeclaration] = [
        webhooks, webhookOperators, webhookRetries, webhookTimeout, webhookInFlight, webhookEndpointInFlight,
        webhookAllowHTTP, webhookAllow, webhookDeny, webhookDisableAfter, webhookAuthorities, webhookClientCertificate,
        webhookClientKey, webhookOrigin,
    ]
}

extension SettingsReading {
    /// Nil when one of them was refused; `problems` then says so.
    mutating func webhooks(_ environment: DeploymentEnvironment?) -> WebhookSettings? {
        let problemsBefore = problems.count
        let isOn = value(of: SettingsTable.webhooks)
        let operators = value(of: SettingsTable.webhookOperators)
        let retries = value(of: SettingsTable.webhookRetries)
        let timeout = value(of: SettingsTable.webhookTimeout)
        let inFlight = value(of: SettingsTable.webhookInFlight)
        let endpointInFlight = value(of: SettingsTable.webhookEndpointInFlight)
        let allowHTTP = value(of: SettingsTable.webhookAllowHTTP)
        let allowed = value(of: SettingsTable.webhookAllow)
        let denied = value(of: SettingsTable.webhookDeny)
        let disableAfter = value(of: SettingsTable.webhookDisableAfter)
        let authorities = value(of: SettingsTable.webhookAuthorities)
        let certificate = value(of: SettingsTable.webhookClientCertificate)
        let key = value(of: SettingsTable.webhookClientKey)
        let origin = value(of: SettingsTable.webhookOrigin)
        if (certificate == nil) != (key == nil), problems.count == problemsBefore {
            let (present, missing) =
                certificate == nil
                ? (SettingsTable.webhookClientKey.name, SettingsTable.webhookClientCertificate.name)
                : (SettingsTable.webhookClientCertificate.name, SettingsTable.webhookClientKey.name)
            refuse("\(present) is set and \(missing) is not; an endpoint is shown both, or none: set both or neither")
        }
        guard problems.count == problemsBefore, let isOn, let retries, let timeout, let inFlight, let endpointInFlight,
            let disableAfter
        else { return nil }
        var limit: Duration?
        if case .limited(let duration) = disableAfter { limit = duration }
        return WebhookSettings(
            isOn: isOn, operators: operators ?? [], retries: retries, timeout: timeout, inFlight: inFlight,
            endpointInFlight: endpointInFlight, saidOfHTTP: allowHTTP, isProduction: environment == .production,
            allowed: allowed ?? .empty, denied: denied ?? .empty, disableAfter: limit, authorities: authorities,
            clientCertificate: certificate, clientKey: key, origin: origin?.text ?? Self.hostName)
    }

    private static let hostName: String =
        (try? DeliveryConsent(origin: ProcessInfo.processInfo.hostName).origin) ?? "localhost"
}
