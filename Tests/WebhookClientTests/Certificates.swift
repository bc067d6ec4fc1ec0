import Foundation
import NIOSSL
import TestSupport

/// Certificates for a test's own servers and clients, made by the openssl command in a folder that goes with it.
final class Certificates: Sendable {
    struct Pair: Sendable {
        let certificate: String
        let key: String
    }

    struct Failed: Error {
        let errors: String
    }

    private let folder: URL
    let authority: Pair

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        authority = Pair(
            certificate: folder.appending(path: "authority.pem").path, key: folder.appending(path: "authority.key").path
        )
        try await Self.openssl(
            ["req", "-x509", "-days", "2", "-subj", "/CN=tallyd test authority"] + Self.newKey(authority)
                + ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"])
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// - Parameters:
    ///   - names: in the form of openssl: `DNS:receiver.example`.
    ///   - isExpired: it ended a day ago.
    ///   - isSelfSigned: by nobody but itself.
    func issue(_ names: String, isExpired: Bool = false, isSelfSigned: Bool = false) async throws -> Pair {
        let stem = folder.appending(path: UUID().uuidString).path
        let pair = Pair(certificate: stem + ".pem", key: stem + ".key")
        let extensions = ["-addext", "subjectAltName=\(names)", "-addext", "basicConstraints=critical,CA:FALSE"]
        let subject = ["-subj", "/CN=tallyd test"] + extensions
        guard !isSelfSigned else {
            try await Self.openssl(["req", "-x509", "-days", "2"] + subject + Self.newKey(pair))
            return pair
        }
        let asked = Pair(certificate: stem + ".csr", key: pair.key)
        try await Self.openssl(["req", "-new"] + subject + Self.newKey(asked))
        // x509's own way to make one that is over: it ended a day ago.
        try await Self.openssl([
            "x509", "-req", "-in", asked.certificate, "-out", pair.certificate, "-days", isExpired ? "-1" : "2",
            "-copy_extensions", "copy", "-CA", authority.certificate, "-CAkey", authority.key, "-set_serial",
            "\(UInt32.random(in: 1...(.max)))",
        ])
        return pair
    }

    private static func newKey(_ pair: Pair) -> [String] {
        [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", pair.key, "-out",
            pair.certificate,
        ]
    }

    private static func openssl(_ arguments: [String]) async throws {
        let run = try await ToolRun.run("openssl", arguments)
        guard run.status == 0 else { throw Failed(errors: run.errors) }
    }
}

extension Certificates.Pair {
    /// - Parameters:
    ///   - authority: of clients; without one, none is asked for a certificate.
    ///   - protocols: of ALPN.
    func server(askingFor authority: Certificates.Pair? = nil, protocols: [String] = []) throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        tls.applicationProtocols = protocols
        if let authority {
            tls.certificateVerification = .noHostnameVerification
            tls.trustRoots = .file(authority.certificate)
        }
        return try NIOSSLContext(configuration: tls)
    }
}
