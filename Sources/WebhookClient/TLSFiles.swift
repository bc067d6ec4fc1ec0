import Foundation
import NIOSSL
package import Webhooks

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
            tls.privateKey = .privateKey(try privateKey(key))
        }
        return tls
    }

    /// Where distributions keep them; nil for none of these, where the TLS library looks for itself.
    private static func systemAuthorities() -> [NIOSSLCertificate]? {
        let files = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
        return files.lazy.compactMap { try? NIOSSLCertificate.fromPEMFile($0) }.first
    }

    fileprivate static func privateKey(_ path: String) throws(Defect) -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(file: path, format: .pem)
        } catch {
            throw Defect(
                "client_key_unreadable", "is no private key that can be read",
                remedy: "name a PEM file without a passphrase that tallyd's user may read")
        }
    }

    fileprivate static func certificates(_ path: String, _ subject: String) throws(Defect) -> [NIOSSLCertificate] {
        if let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty { return certificates }
        throw Defect(
            "\(subject)_unreadable", "has no certificate that can be read",
            remedy: "name a PEM file that tallyd's user may read")
    }
}

extension WebhookClient.Configuration {
    /// What a PEM file that it names is for.
    package enum File: Sendable, CaseIterable {
        case authorities, clientCertificate, clientKey
    }

    /// Their paths.
    package var files: [String?] { [extraAuthorities, clientCertificate?.chain, clientCertificate?.key] }

    /// Reads each file that it names, and says what is wrong with which.
    package func fileDefects() -> [(file: File, defect: Defect)] {
        var defects: [(file: File, defect: Defect)] = []
        func check(_ file: File, _ read: () throws(Defect) -> Void) {
            do throws(Defect) { try read() } catch { defects.append((file, error)) }
        }
        if let path = extraAuthorities {
            check(.authorities) { () throws(Defect) in
                _ = try TLSConfiguration.certificates(path, "authorities")
            }
        }
        if let (chain, key) = clientCertificate {
            check(.clientCertificate) { () throws(Defect) in
                _ = try TLSConfiguration.certificates(chain, "client_certificate")
            }
            check(.clientKey) { () throws(Defect) in _ = try TLSConfiguration.privateKey(key) }
            if defects.isEmpty { check(.clientCertificate, checkPair) }
        }
        return defects
    }

    /// Whether the certificate can be shown, and with that key: a context alone finds that out.
    private func checkPair() throws(Defect) {
        let tls = try TLSConfiguration.deliveries(self)
        do {
            _ = try NIOSSLContext(configuration: tls)
        } catch {
            // The library's own error names no cause.
            throw Defect(
                "client_certificate_unusable", "can't be shown with the client's key",
                remedy: "name a certificate for TLS clients and the key that it was made for")
        }
    }
}
