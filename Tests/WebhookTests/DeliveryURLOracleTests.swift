import Foundation
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `Generated urls` {
    private static let pieces = [
        "http", "https", "HTTPS", "ftp", "unix", ":", "://", "//", "/", "\\", "@", "?", "#", "%", "%2e", "%2F", "%00",
        ".",
        "..", "[", "]", "[::1]", "[fe80::1%25x]", "::", "127.0.0.1", "0x7f", "0177", "1", "256", "4294967295",
        "example",
        "com", "xn--a", "-", "_", "a", "Z", " ", "\t", "\r\n", "\u{0}", "１", "。", "ä", "\u{301}", ":80", ":0", ":65536",
        "&",
        "=", "{", "|", "\"", "<", "localhost", "user:pass@",
    ]

    @Test
    func `whatever is accepted has a canonical form that parses to itself, and Foundation's to the same host and port`()
        throws
    {
        var random = SplitMix64(for: "generated urls")
        var accepted = 0
        for round in 0..<60_000 {
            var text = round % 3 == 0 ? "" : ["http://", "https://"][round % 2]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                text += Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)]
            }
            guard let url = try? DeliveryURL(text, allowingHTTP: true) else { continue }
            accepted += 1
            let canonical = url.canonical
            #expect(try DeliveryURL(canonical, allowingHTTP: true) == url, "\(text)")
            #expect(canonical.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x5C })
            // What the client goes by.
            let client = try #require(URL(string: canonical), "\(canonical)")
            let host = url.host.description.trimmingCharacters(in: ["[", "]"])
            #expect(client.host(percentEncoded: true)?.trimmingCharacters(in: ["[", "]"]) == host, "\(text)")
            #expect(client.port.map { UInt16($0) } ?? url.scheme.defaultPort == url.port, "\(text)")
            #expect(client.absoluteString == canonical)
            #expect(client.user() == nil && client.password() == nil && client.fragment() == nil)
            // A host that looks like a name is none to anybody who reads numbers.
            if case .name(let name) = url.host { #expect(inet_addr(name) == in_addr_t.max, "\(name)") }
        }
        #expect(accepted > 2_000, "\(accepted)")
    }

    @Test func `an address in any form of inet_aton is judged as the address`() throws {
        var random = SplitMix64(for: "forms of addresses")
        for _ in 0..<20_000 {
            let value = UInt32.random(in: 0...(.max), using: &random)
            let count = Int.random(in: 1...4, using: &random)
            var parts: [UInt32] = (0..<(count - 1)).map { value >> UInt32(24 - 8 * $0) & 0xFF }
            parts.append(count == 1 ? value : value & (UInt32.max >> UInt32(8 * (count - 1))))
            let text = parts.map { part in
                switch Int.random(in: 0..<3, using: &random) {
                case 0: String(part)
                case 1: "0" + String(part, radix: 8)
                default: (Bool.random(using: &random) ? "0x" : "0X") + String(part, radix: 16)
                }
            }.joined(separator: ".")
            #expect(try DeliveryURL("https://\(text)/", allowingHTTP: false).host == .address(.v4(value)), "\(text)")
            // The C library, which is what a client would ask.
            var address = in_addr()
            #expect(inet_aton(text, &address) == 1 && UInt32(bigEndian: address.s_addr) == value, "\(text)")
        }
    }

    @Test func `Python finds the same host, port and path in what is accepted`() async throws {
        var random = SplitMix64(for: "Python's urls")
        var urls: [DeliveryURL] = []
        while urls.count < 3_000 {
            let labels = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                "h\(UInt16.random(in: 0...999, using: &random))"
            }
            let hosts = [
                labels.joined(separator: "."), "\(IPAddress.v4(.random(in: 0...(.max), using: &random)))",
                "[\(IPAddress.v6(.random(in: 0...(.max), using: &random)))]",
            ]
            var text = ["http", "https"][urls.count % 2] + "://" + hosts[Int.random(in: 0..<3, using: &random)]
            if Bool.random(using: &random) { text += ":\(UInt16.random(in: 1...(.max), using: &random))" }
            if Bool.random(using: &random) { text += "/p\(urls.count)/a%20{b};c" }
            if Bool.random(using: &random) { text += "?q=\(urls.count)&x[]=/?" }
            urls.append(try DeliveryURL(text, allowingHTTP: true))
        }
        let script = """
            import sys
            from urllib.parse import urlsplit
            for line in sys.stdin:
                u = urlsplit(line.rstrip("\\n"))
                port = u.port or (443 if u.scheme == "https" else 80)
                print(u.scheme, u.hostname, port, u.path, u.query, u.username, u.fragment == "", sep="\\t")
            """
        let input = urls.map(\.canonical).joined(separator: "\n")
        let run = try await ToolRun.run(
            "python3", ["-c", script], variables: Python.variables, input: Data(input.utf8))
        let lines = run.output.split(separator: "\n")
        try #require(run.status == 0 && lines.count == urls.count, "\(run.errors.suffix(300))")
        for (url, line) in zip(urls, lines) {
            let host = url.host.description.trimmingCharacters(in: ["[", "]"])
            #expect(line == "\(url.scheme)\t\(host)\t\(url.port)\t\(url.path)\t\(url.query ?? "")\tNone\tTrue")
        }
    }
}
