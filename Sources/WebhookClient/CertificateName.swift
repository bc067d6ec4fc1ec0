import NIOCore
import NIOSSL

/// Whether a certificate names the host of the url.
///
/// The TLS library takes a certificate also where it names the connection's address and not the host: whoever leads a name
/// to an address of their own could show a certificate for that address. For a name, only names count (RFC 9525
/// section 6.1). What it has no opinion on here, the library has judged.
enum CertificateName {
    struct Other: Error {}

    /// - Parameter channel: after its handshake; called on its loop.
    static func check(_ channel: any Channel, names host: String) throws {
        guard let certificate = try channel.pipeline.syncOperations.nioSSL_peerCertificate() else { throw Other() }
        let names = certificate._subjectAlternativeNames()
        // Without any, the library has compared the common name, and no address.
        guard !names.isEmpty else { return }
        let isNamed = names.contains { name in
            guard name.nameType == .dnsName else { return false }
            return matches(String(decoding: name.contents, as: UTF8.self).lowercased(), host)
        }
        guard isNamed else { throw Other() }
    }

    /// RFC 9525 section 6.3: a wildcard is the whole first label, and stands for one label.
    static func matches(_ name: String, _ host: String) -> Bool {
        guard name.hasPrefix("*.") else { return name == host }
        guard let dot = host.firstIndex(of: ".") else { return false }
        return host[dot...] == name.dropFirst()
    }
}
