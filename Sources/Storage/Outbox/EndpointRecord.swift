import Crypto
import Foundation
import GRDB
package import Scheduling
package import Webhooks

/// What tallyd keeps of an endpoint (table webhook_endpoints).
package struct EndpointRecord: Sendable, Equatable {
    package enum Format: String, Sendable, CaseIterable, Codable {
        case standard
        case cloudEvents = "cloudevents"
    }

    /// A secret that still signs beside the present one, so that a receiver has time to take the new one in.
    package struct FormerSecret: Sendable, Equatable {
        package let secret: String
        package let until: Instant
    }

    /// Of former ones: the newest. Each lengthens the header of signatures by 48 to 93 bytes.
    package static let mostFormer = 8

    package var health = EndpointHealth()
    /// The url is another than the one that its secret was first used for: nothing is sent until somebody says that this is meant.
    package var isURLChanged = false
    /// SHA-256 of the url and the secret that belong together; nil before the first attempt.
    package var urlDigest: String?
    package var secretDigest: String?
    package var former: [FormerSecret] = []
    package var format = Format.standard
    package var isOrdered = false
    /// When somebody last enabled it, so that this can be told from nothing having been said.
    package var enabledAt: Instant?
    /// Of an ordered one: when the delivery in front, whose last attempt failed, may be attempted again, and so when anything may.
    package var waitsUntil: Instant?
    package var maxInFlight: Int?
    package var ratePerSecond: Double?

    package init() {}

    package static func digest(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    }

    /// Takes in which url the secret is used for.
    ///
    /// A url that changed while the secret did not keeps the endpoint waiting: whoever may write a url must not have the owner's secret sign for
    /// it. Both changed, or no secret, is a new endpoint under an old name.
    ///
    /// - Returns: whether the record is another now.
    package mutating func takeIn(url: String, secret: String?) -> Bool {
        let (newURL, newSecret) = (Self.digest(url), secret.map(Self.digest))
        if urlDigest == newURL, secretDigest == newSecret {
            guard isURLChanged else { return false }
            // It was changed back.
            isURLChanged = false
            return true
        }
        if let urlDigest, urlDigest != newURL, let secretDigest, secretDigest == newSecret {
            guard !isURLChanged else { return false }
            isURLChanged = true
            return true
        }
        if urlDigest != nil, urlDigest != newURL {
            // A new endpoint under an old name: neither do its failures count, nor do secrets sign that were given for the old url. What an operator
            // has switched off stays so: whoever may write a url must not undo that.
            if !health.isSwitchedOff { health.enable() }
            waitsUntil = nil
            former = []
        }
        (self.urlDigest, self.secretDigest, isURLChanged) = (newURL, newSecret, false)
        return true
    }
}

extension EndpointRecord {
    static let columns = """
        standing, standing_since, next_probe_at, failing_since, failed_attempts, failed_probes, breaker_open_until, breaker_failures,
        breaker_openings, url_sha256, secret_sha256, former_secrets, format, is_ordered, max_in_flight, rate_per_second
        """

    static func read(_ db: Database, _ endpoint: String) throws -> EndpointRecord? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT \(columns) FROM webhook_endpoints WHERE webhook_id = ?"),
            arguments: [endpoint]
        ).map { EndpointRecord($0) }
    }

    /// - Parameter row: begins with `columns`.
    init(_ row: Row) {
        func instant(_ index: Int) -> Instant? { (row[index] as Int64?).map { Instant(milliseconds: $0) } }
        let standing: String = row[0]
        if let cause = EndpointHealth.Cause(rawValue: standing) {
            health.standing = .disabled(cause, since: instant(1) ?? .init(milliseconds: 0), nextProbe: instant(2))
        } else {
            enabledAt = standing == "enabled" ? instant(1) : nil
            waitsUntil = instant(2)
        }
        isURLChanged = standing == "url_changed"
        health.failingSince = instant(3)
        health.failedAttempts = row[4]
        health.failedProbes = row[5]
        health.breaker = CircuitBreaker(
            state: instant(6).map { .open(until: $0) } ?? .closed, failures: row[7], openings: row[8])
        urlDigest = row[9]
        secretDigest = row[10]
        former = Self.former(row[11])
        format = Format(rawValue: row[12]) ?? .standard
        isOrdered = row[13]
        maxInFlight = row[14]
        ratePerSecond = row[15]
    }

    private struct StoredSecret: Codable {
        let secret: String
        let until: Int64
    }

    private static func former(_ json: String) -> [FormerSecret] {
        let stored = (try? JSONDecoder().decode([StoredSecret].self, from: Data(json.utf8))) ?? []
        return stored.map { FormerSecret(secret: $0.secret, until: Instant(milliseconds: $0.until)) }
    }

    static func json(_ former: [FormerSecret]) throws -> String {
        let stored = former.map { StoredSecret(secret: $0.secret, until: $0.until.milliseconds) }
        return String(decoding: try JSONEncoder().encode(stored), as: UTF8.self)
    }

    /// Writes what the daemon finds out, and leaves alone what commands set.
    func write(_ db: Database, _ endpoint: String) throws {
        // The column has the endpoint's next attempt in either case.
        var (standing, since, probe): (String, Instant?, Instant?) = ("enabled", enabledAt, waitsUntil)
        if case .disabled(let cause, let from, let next) = health.standing {
            (standing, since, probe) = (cause.rawValue, from, next)
        }
        // One that is gone or switched off waits for somebody anyway, and what they say then holds for the url as well.
        if isURLChanged, standing == "enabled" || standing == "failing" {
            (standing, since, probe) = ("url_changed", nil, nil)
        }
        var openUntil: Instant?
        switch health.breaker.state {
        case .open(let until): openUntil = until
        // The attempt that decides is lost with the process: the next one may go at once.
        case .halfOpen: openUntil = Instant(milliseconds: 0)
        case .closed: break
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO webhook_endpoints (
                  webhook_id, standing, standing_since, next_probe_at, failing_since, failed_attempts, failed_probes,
                  breaker_open_until, breaker_failures, breaker_openings, url_sha256, secret_sha256
                )
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (webhook_id) DO UPDATE
                SET standing = excluded.standing, standing_since = excluded.standing_since,
                    next_probe_at = excluded.next_probe_at, failing_since = excluded.failing_since,
                    failed_attempts = excluded.failed_attempts, failed_probes = excluded.failed_probes,
                    breaker_open_until = excluded.breaker_open_until, breaker_failures = excluded.breaker_failures,
                    breaker_openings = excluded.breaker_openings,
                    -- see takeIn; the url is not known before the first message
                    former_secrets = CASE WHEN url_sha256 <> excluded.url_sha256 THEN '[]' ELSE former_secrets END,
                    url_sha256 = excluded.url_sha256, secret_sha256 = excluded.secret_sha256
                """
        ).execute(arguments: [
            endpoint, standing, since?.milliseconds, probe?.milliseconds, health.failingSince?.milliseconds,
            health.failedAttempts, health.failedProbes, openUntil?.milliseconds, health.breaker.failures,
            health.breaker.openings, urlDigest, secretDigest,
        ])
    }
}

extension EndpointHealth {
    var isSwitchedOff: Bool {
        if case .disabled(.switchedOff, _, _) = standing { true } else { false }
    }
}
