import Foundation
import Testing

@testable import Webhooks

@Suite struct `Delivery urls` {
    static let accepted: [(String, String)] = [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.Com/Path", "https://example.com/Path"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:80", "http://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("http://example.com:65535?q", "http://example.com:65535/?q"),
        ("https://example.com/a%2Fb?x=%20", "https://example.com/a%2Fb?x=%20"),
        ("https://example.com/?", "https://example.com/?"),
        ("https://example.com/a?b?c=/d", "https://example.com/a?b?c=/d"),
        ("https://example.com/a?x[]=1", "https://example.com/a?x%5B%5D=1"),
        ("https://example.com/{id}|\"<>^`", "https://example.com/%7Bid%7D%7C%22%3C%3E%5E%60"),
        ("https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/"),
        ("https://my_service/", "https://my_service/"),
        ("https://a.b/x", "https://a.b/x"),
        ("https://example.com/a//b;c=1,2@x:y", "https://example.com/a//b;c=1,2@x:y"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://[::ffff:1.2.3.4]/", "https://[::ffff:102:304]/"),
        ("https://1.2.3.4/", "https://1.2.3.4/"),
        ("https://2130706433/", "https://127.0.0.1/"),
        ("https://0x7f.1/", "https://127.0.0.1/"),
        ("https://0X7F000001/", "https://127.0.0.1/"),
        ("https://0177.0.0.01/", "https://127.0.0.1/"),
        ("https://127.1/", "https://127.0.0.1/"),
        ("https://127.0.1/", "https://127.0.0.1/"),
        ("https://0x/", "https://0.0.0.0/"),
        ("https://0/", "https://0.0.0.0/"),
        ("https://4294967295/", "https://255.255.255.255/"),
        ("https://1.0xffffff/", "https://1.255.255.255/"),
        ("https://1.2.3.4a/", "https://1.2.3.4a/"),
        ("https://0x7f.com/", "https://0x7f.com/"),
        (
            "https://" + String(repeating: "a.", count: 126) + "b",
            "https://" + String(repeating: "a.", count: 126) + "b/"
        ),
    ]

    @Test(arguments: accepted)
    func `an accepted url has one canonical form, which parses to itself`(text: String, canonical: String) throws {
        let url = try DeliveryURL(text, allowingHTTP: true)
        #expect(url.canonical == canonical)
        #expect(try DeliveryURL(canonical, allowingHTTP: true) == url)
    }

    static let refused: [(String, String)] = [
        ("", "url_empty"), ("example.com", "url_without_scheme"), ("//example.com", "url_without_scheme"),
        ("ftp://example.com", "url_scheme_refused"), ("unix:/run/x.sock", "url_scheme_refused"),
        ("http+unix://%2Frun%2Fx.sock/", "url_scheme_refused"), ("https+unix://x/", "url_scheme_refused"),
        ("file:///etc/passwd", "url_scheme_refused"), ("javascript:alert(1)", "url_scheme_refused"),
        ("http\u{17F}://x", "url_scheme_refused"), ("https:example.com", "url_without_slashes"),
        ("https:/example.com", "url_without_slashes"), ("https:///example.com", "url_host_empty"),
        ("https://", "url_host_empty"), ("https://?x", "url_host_empty"), ("https://:443/", "url_host_empty"),
        ("https://user@example.com/", "url_has_userinfo"), ("https://user:pass@example.com/", "url_has_userinfo"),
        ("https://@example.com/", "url_has_userinfo"), ("https://example.com:80@evil.example/", "url_has_userinfo"),
        ("https://example.com\\@evil.example/", "url_has_backslash"), ("https:\\\\example.com", "url_has_backslash"),
        ("https://example.com/a\\b", "url_has_backslash"), (" https://example.com", "url_has_space"),
        ("https://example.com/a b", "url_has_space"), ("https://exa\tmple.com", "url_has_control_character"),
        ("https://example.com/\r\nHost: x", "url_has_control_character"),
        ("https://example.com/\u{0}", "url_has_control_character"),
        ("https://example.com/\u{7F}", "url_has_control_character"), ("https://example.com/#f", "url_has_fragment"),
        ("https://example.com#@evil.example/", "url_has_fragment"), ("https://example.com/?a#", "url_has_fragment"),
        ("https://example.com:0/", "url_port_refused"), ("https://example.com:65536/", "url_port_refused"),
        ("https://example.com:/", "url_port_refused"), ("https://example.com:080/", "url_port_refused"),
        ("https://example.com:8a/", "url_port_refused"), ("https://example.com:-1/", "url_port_refused"),
        ("https://example.com:+80/", "url_port_refused"), ("https://example.com:８０/", "url_port_refused"),
        ("https://[::1]:/", "url_port_refused"), ("https://example.com:99999999999999999999/", "url_port_refused"),
        ("https://example.com./", "url_host_trailing_dot"), ("https://127.0.0.1./", "url_host_trailing_dot"),
        ("https://./", "url_host_trailing_dot"), ("https://.example.com/", "url_host_empty_label"),
        ("https://a..b/", "url_host_empty_label"), ("https://１２７.0.0.1/", "url_host_not_ascii"),
        ("https://127。0。0。1/", "url_host_not_ascii"), ("https://münchen.example/", "url_host_not_ascii"),
        ("https://example\u{200B}.com/", "url_host_not_ascii"), ("https://ⓔxample.com/", "url_host_not_ascii"),
        ("https://%31%32%37.0.0.1/", "url_host_percent_encoded"),
        ("https://exa%6Dple.com/", "url_host_percent_encoded"),
        ("https://127.0.0.256/", "url_host_not_an_address"), ("https://256.0.0.1/", "url_host_not_an_address"),
        ("https://1.2.3.4.5/", "url_host_not_an_address"), ("https://4294967296/", "url_host_not_an_address"),
        ("https://0xfffffffff/", "url_host_not_an_address"), ("https://08.0.0.1/", "url_host_not_an_address"),
        ("https://1..2/", "url_host_not_an_address"), ("https://example.0x7f/", "url_host_not_an_address"),
        ("https://example.09/", "url_host_not_an_address"), ("https://1.2.3.0x100/", "url_host_not_an_address"),
        ("https://[fe80::1%25eth0]/", "url_host_has_zone"), ("https://[fe80::1%eth0]/", "url_host_has_zone"),
        ("https://[::1/", "url_host_not_an_address"), ("https://[]/", "url_host_not_an_address"),
        ("https://[1.2.3.4]/", "url_host_not_an_address"), ("https://[::1]x/", "url_host_not_an_address"),
        ("https://[::1]:80:80/", "url_host_not_an_address"), ("https://[::1]x:80/", "url_host_not_an_address"),
        ("https://::1/", "url_host_has_colons"), ("https://a:1:2/", "url_host_has_colons"),
        ("https://exa<mple.com/", "url_host_odd_character"), ("https://exa!mple.com/", "url_host_odd_character"),
        ("https://a,b/", "url_host_odd_character"), ("https://*.example.com/", "url_host_odd_character"),
        ("https://-a.example/", "url_host_label_hyphen"), ("https://a-.example/", "url_host_label_hyphen"),
        ("https://example.com/../x", "url_has_dot_segment"), ("https://example.com/a/%2E%2e", "url_has_dot_segment"),
        ("https://example.com/./x", "url_has_dot_segment"), ("https://example.com/.%2e/x", "url_has_dot_segment"),
        ("https://example.com/%", "url_percent_malformed"), ("https://example.com/?%zz", "url_percent_malformed"),
        ("https://example.com/%4", "url_percent_malformed"), ("https://example.com/ä", "url_not_ascii"),
        ("https://example.com/?ä", "url_not_ascii"), ("https://example.com/\u{301}", "url_host_not_ascii"),
        ("https://" + String(repeating: "a", count: 64) + ".example/", "url_host_label_too_long"),
        ("https://" + String(repeating: "a.", count: 126) + "bc/", "url_host_too_long"),
        ("https://example.com/" + String(repeating: "a", count: 2_029), "url_too_long"),
        ("https://example.com/" + String(repeating: "{", count: 1_000), "url_too_long"),
    ]

    @Test(arguments: refused)
    func `an odd url is refused by name`(text: String, name: String) {
        let defect = #expect(throws: Defect.self, "\(text)") { try DeliveryURL(text, allowingHTTP: true) }
        #expect(defect?.name == name, "\(text)")
    }

    @Test func `no defect repeats a user name, a password or a query`() {
        for text in [
            "https://u5er:pa55@example.com/?t0ken", "https://example.com/#t0ken", "ftp://u5er:pa55@x/?t0ken",
            "http://x/?t0ken",
        ] {
            let defect = #expect(throws: Defect.self) { try DeliveryURL(text, allowingHTTP: false) }
            for word in ["u5er", "pa55", "t0ken"] { #expect(defect?.description.contains(word) == false) }
        }
    }

    @Test func `the longest url passes`() throws {
        let text = "https://example.com/" + String(repeating: "a", count: 2_028)
        #expect(text.utf8.count == DeliveryURL.longest)
        #expect(try DeliveryURL(text, allowingHTTP: false).canonical == text)
    }

    @Test func `plain http is a matter of policy`() throws {
        let defect = #expect(throws: Defect.self) { try DeliveryURL("http://example.com/", allowingHTTP: false) }
        #expect(defect?.name == "url_not_https")
        #expect(try DeliveryURL("http://example.com/", allowingHTTP: true).scheme == .http)
        #expect(
            #expect(throws: Defect.self) { try DeliveryURL("http://a@b/", allowingHTTP: false) }?.name
                == "url_has_userinfo")
    }

    @Test func `what is shown has no query`() throws {
        let url = try DeliveryURL("https://example.com:8443/hook?token=s3cret", allowingHTTP: false)
        #expect(url.redacted == "https://example.com:8443/hook")
        #expect(url.authority == "example.com:8443")
        var dumped = ""
        dump(url, to: &dumped)
        for shown in ["\(url)", String(reflecting: url), dumped] { #expect(!shown.contains("s3cret"), "\(shown)") }
        #expect(url.canonical.hasSuffix("?token=s3cret"))
    }
}
