import Testing

@testable import Systemd

struct WatchdogTests {
    @Test func `the window is read for the process that is watched`() throws {
        let environment = ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]
        let watchdog = try #require(Watchdog(environment: environment, processID: 42))
        #expect(watchdog.window == .seconds(30))
        #expect(watchdog.pingInterval == .seconds(10))
        #expect(watchdog.longestSleep == .seconds(5))
        #expect(Watchdog(environment: environment, processID: 43) == nil)
        #expect(Watchdog(environment: ["WATCHDOG_USEC": "1"], processID: 7)?.window == .microseconds(1))
    }

    @Test(arguments: [nil, "", "0", "-5", "30s", "18446744073709551615", "99999999999999999999"])
    func `a window that is none means no watchdog`(text: String?) {
        var environment = ["WATCHDOG_PID": "42"]
        environment["WATCHDOG_USEC"] = text
        #expect(Watchdog(environment: environment, processID: 42) == nil)
    }

    @Test func `a watched process that cannot be read is not us`() {
        #expect(Watchdog(environment: ["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "x"], processID: 42) == nil)
    }
}
