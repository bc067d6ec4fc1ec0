import Foundation
import NIOSSL
import Webhooks

extension TLSConfiguration {
    /// Verified, from TLS 1.2 on, with the files that the configuration names, each read once.
    static func deliveries(_ configuration: WebhookClient.Configuration) throws(Defect) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        // There is a context of TLS for each endpoint's client. Left to the library, each parses the system's 139 certificates
        // again: 1.06 MiB an endpoint, and of 400 at once none had sent its request after 20 s (debug build, two cores). Given
        // these they share them: 0.14 MiB, the receiver's own side included, and all 400 after 6 s.
        if let system = systemAuthorities() { tls.trustRoots = .certificates(system) }
        if let path = configuration.extraAuthorities {
            tls.additionalTrustRoots = [.certificates(try certificates(path, "authorities"))]
        }
        if let (chain, key) = configuration.clientCertificate {
            tls.certificateChain = try certificates(chain, "client_certificate").map { .certificate($0) }
            do {
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            } catch {
                throw Defect(
                    "client_key_unreadable", "is no private key that can be read",
                    remedy: "name a PEM file without a passphrase that tallyd's user may read")
            }
        }
        return tls
    }

    /// Where distributions keep them; nil for none of these, where the TLS library looks for itself.
    private static func systemAuthorities() -> [NIOSSLCertificate]? {
        let files = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
        return files.lazy.compactMap { try? NIOSSLCertificate.fromPEMFile($0) }.first
    }

    private static func certificates(_ path: String, _ subject: String) throws(Defect) -> [NIOSSLCertificate] {
        if let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty { return certificates }
        throw Defect(
            "\(subject)_unreadable", "has no certificate that can be read",
            remedy: "name a PEM file that tallyd's user may read")
    }
}
