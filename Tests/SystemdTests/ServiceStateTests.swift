import Testing

@testable import Systemd

struct ServiceStateTests {
    @Test(arguments: [
        (ServiceState.ready, "READY=1"),
        (.reloading(monotonicMicroseconds: 12_345_678), "RELOADING=1\nMONOTONIC_USEC=12345678"),
        (.stopping, "STOPPING=1"),
        (.watchdog, "WATCHDOG=1"),
        (.status("3 lanes"), "STATUS=3 lanes"),
        (.extendTimeout(.seconds(5)), "EXTEND_TIMEOUT_USEC=5000000"),
        (.extendTimeout(.zero), "EXTEND_TIMEOUT_USEC=1"),
        (.errno(28), "ERRNO=28"),
    ])
    func `each state is said in the protocol's words`(state: ServiceState, message: String) {
        #expect(state.message == message)
    }

    @Test func `a status cannot smuggle in another state`() {
        #expect(ServiceState.status("odd\nREADY=1\r\0x").message == "STATUS=odd READY=1  x")
    }

    @Test func `a long status is cut between characters`() {
        let message = ServiceState.status(String(repeating: "é", count: 4_000)).message
        #expect(message == "STATUS=" + String(repeating: "é", count: 512))
    }
}
