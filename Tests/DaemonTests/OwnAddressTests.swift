import Testing
import Webhooks

@testable import Daemon

/// Which addresses are this machine's own, as /proc tells.
@Suite struct `Own addresses` {
    @Test func `of the routing tables only what is local is taken`() {
        let trie = """
            Main:
              +-- 0.0.0.0/0 3 0 5
                 |-- 0.0.0.0
                    /0 universe UNICAST
                 +-- 203.0.113.0/24 2 0 2
                    |-- 203.0.113.0
                       /24 link UNICAST
                    |-- 203.0.113.7
                       /32 host LOCAL
                    |-- 203.0.113.255
                       /32 link BROADCAST
            """
        #expect(OwnAddresses.v4(inTrie: trie) == Set([IPAddress("203.0.113.7")].compactMap(\.self)))
        #expect(OwnAddresses.v4(inTrie: "") == [])
    }

    @Test func `IPv6 addresses are read in their digits`() {
        let list = """
            00000000000000000000000000000001 01 80 10 80       lo
            20010db8000000000000000000000005 02 40 00 80     eth0
            nonsense
            """
        let wanted = [IPAddress("::1"), IPAddress("2001:db8::5")].compactMap(\.self)
        #expect(OwnAddresses.v6(inList: list) == Set(wanted))
    }

    @Test func `loopback is among those of this machine`() {
        #expect(OwnAddresses.read().contains { $0.description == "127.0.0.1" })
    }
}
