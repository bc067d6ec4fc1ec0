import Glibc
import Testing

@testable import Systemd

struct UnixAddressTests {
    @Test(arguments: [("/ab", 2 + 3 + 1), ("@ab", 2 + 3)])
    func `a path goes with its closing NUL and an abstract name without one`(text: String, length: Int) throws {
        let address = try #require(UnixAddress(text))
        #expect(address.withSocketAddress { Int($1) } == length)
    }

    @Test(arguments: [107, 108])
    func `the kernel's 108 bytes are the limit`(length: Int) {
        let path = "/" + String(repeating: "x", count: length - 1)
        #expect((UnixAddress(path) != nil) == (length < 108))
    }
}
