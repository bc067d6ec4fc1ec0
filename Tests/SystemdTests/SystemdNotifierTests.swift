import Glibc
import Logging
import Testing

@testable import Systemd

struct SystemdNotifierTests {
    private let log = RecordedLog()

    @Test func `states said together arrive as one datagram in order`() throws {
        let folder = try TemporaryFolder()
        let manager = try DatagramReceiver(at: folder.path + "/notify")
        let notifier = try #require(
            SystemdNotifier(environment: ["NOTIFY_SOCKET": folder.path + "/notify"], logger: log.logger))
        notifier.notify([.ready, .status("up")])
        notifier.notify([.watchdog])
        #expect(manager.receiveText() == "READY=1\nSTATUS=up")
        #expect(manager.receiveText() == "WATCHDOG=1")
        #expect(log.events.isEmpty)
    }

    @Test func `an abstract socket is reached`() throws {
        let name = "@tallyd-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let manager = try DatagramReceiver(at: name)
        let notifier = try #require(SystemdNotifier(environment: ["NOTIFY_SOCKET": name], logger: log.logger))
        notifier.notify([.stopping])
        #expect(manager.receiveText() == "STOPPING=1")
    }

    @Test func `without the variable nobody is told and nothing is said`() {
        #expect(SystemdNotifier(environment: [:], logger: log.logger) == nil)
        #expect(SystemdNotifier.detect(environment: [:], logger: log.logger) is SilentNotifier)
        #expect(log.events.isEmpty)
    }

    @Test(arguments: ["vsock:2:1234", "relative/path", "/", "/" + String(repeating: "x", count: 107)])
    func `an address that cannot be served is named in a warning`(address: String) {
        #expect(SystemdNotifier(environment: ["NOTIFY_SOCKET": address], logger: log.logger) == nil)
        #expect(log.events.map(\.metadata?["notify_socket"]) == ["\(address)"])
    }

    @Test func `a manager that is gone is reported once, and again after it was back`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/notify"
        let notifier = try #require(SystemdNotifier(environment: ["NOTIFY_SOCKET": path], logger: log.logger))
        notifier.notify([.watchdog])
        notifier.notify([.watchdog])
        #expect(log.events.count == 1)
        let manager = try DatagramReceiver(at: path)
        notifier.notify([.watchdog])
        #expect(manager.receiveText() == "WATCHDOG=1")
        unlink(path)
        notifier.notify([.watchdog])
        #expect(log.events.count == 2)
    }

    @Test(.timeLimit(.minutes(10))) func `a manager that never reads holds nobody for long`() throws {
        let folder = try TemporaryFolder()
        let manager = try DatagramReceiver(at: folder.path + "/notify")
        let notifier = try #require(
            SystemdNotifier(environment: ["NOTIFY_SOCKET": folder.path + "/notify"], logger: log.logger))
        var sent = 0
        while log.events.isEmpty, sent < 100_000 {
            notifier.notify([.watchdog])
            sent += 1
        }
        #expect(log.events.count == 1)
        #expect(manager.receiveText() == "WATCHDOG=1")
    }

    @Test func `children find no variable of ours while the notifier goes on`() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let path = folder.path + "/notify"
            let manager = try DatagramReceiver(at: path)
            let ours = [
                "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())",
                "LISTEN_PID": "1", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b",
            ]
            for (name, value) in ours { setenv(name, value, 1) }
            let notifier = try #require(SystemdNotifier(environment: ours, logger: RecordedLog().logger))
            #expect(ServiceEnvironment.unsetForChildren().isEmpty)
            for name in ours.keys { #expect(getenv(name) == nil, "\(name)") }
            notifier.notify([.ready])
            #expect(manager.receiveText() == "READY=1")
        }
    }

    @Test func `a passed socket is counted and closed to children`() async {
        await #expect(processExitsWith: .success) {
            dup2(1, 3)
            setenv("LISTEN_PID", "\(getpid())", 1)
            setenv("LISTEN_FDS", "1", 1)
            #expect(ServiceEnvironment.unsetForChildren() == 3..<4)
            #expect(fcntl(3, F_GETFD) & FD_CLOEXEC != 0)
        }
    }
}
