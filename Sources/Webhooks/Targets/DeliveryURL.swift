/// A url that a message may be sent to, read once by rules that are stricter than any client's, so that what was judged
/// is what is connected to.
///
/// In the terms of the WHATWG URL Standard: what that would repair in silence (backslashes, tabs and line breaks,
/// missing or further slashes, encoded or non-ASCII hosts, dot segments) is refused; IPv4 is read in all forms that it
/// reads. Hosts outside ASCII are not converted (RFC 5891), as two tables of another age would convert them differently.
package struct DeliveryURL: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http, https

        var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    package let host: DeliveryHost
    /// 1 to 65535; the scheme's own where none was written.
    package let port: UInt16
    /// Begins with a slash.
    package let path: String
    /// Without the question mark; nil where there was none.
    package let query: String?

    package static let longest = 2_048

    init(scheme: Scheme, host: DeliveryHost, port: UInt16, path: String, query: String?) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.query = query
    }

    /// What the client is given: this and nothing else. It parses to itself.
    package var canonical: String {
        redacted + (query.map { "?" + $0 } ?? "")
    }

    /// For logs, rows and errors: without the query, which is where receivers put their tokens. There never is a user name.
    package var redacted: String {
        "\(scheme.rawValue)://\(authority)\(path)"
    }

    /// The value of the Host header (RFC 9110 section 7.2).
    package var authority: String {
        port == scheme.defaultPort ? host.description : "\(host):\(port)"
    }

    /// The redacted form, so that no interpolation gives a token away.
    package var description: String { redacted }
}

extension DeliveryURL: CustomReflectable {
    package var customMirror: Mirror { Mirror(self, children: ["url": redacted]) }
}
