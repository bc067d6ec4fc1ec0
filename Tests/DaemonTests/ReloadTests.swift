import Foundation
import Logging
import Synchronization
import Systemd
import Testing

@testable import Daemon

@Suite struct ReloadTests {
    /// What the manager was told and what was logged.
    private final class Witness: ServiceNotifier {
        let told = Mutex<[ServiceState]>([])
        let logged = Mutex<[(level: Logger.Level, message: String, metadata: Logger.Metadata)]>([])

        func notify(_ states: [ServiceState]) { told.withLock { $0 += states } }

        var logger: Logger { Logger(label: "test") { _ in Handler(witness: self) } }

        struct Handler: LogHandler {
            let witness: Witness
            var logLevel = Logger.Level.trace
            var metadata: Logger.Metadata = [:]

            init(witness: Witness) { self.witness = witness }

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) {
                witness.logged.withLock {
                    $0.append((event.level, event.message.description, event.metadata ?? [:]))
                }
            }
        }
    }

    private func reload(_ file: SettingsFile, _ witness: Witness) throws -> (Reload, LiveSettings) {
        let origin = SettingsOrigin(environment: ["TALLYD_ENVIRONMENT_FILE": file.path])
        let live = LiveSettings(try origin.read())
        let reload = Reload(
            origin: origin, live: live, notifier: witness, logger: witness.logger,
            monotonic: { .milliseconds(1_234) })
        return (reload, live)
    }

    @Test func `what can change at once does, and the rest is named and waits`() async throws {
        let file = try SettingsFile("TALLYD_DATABASE=/a.db", "TALLYD_WAL_LIMIT=1GiB", "TALLYD_LOCK_HOLD=5ms")
        let witness = Witness()
        let (reload, live) = try reload(file, witness)
        let heard = Mutex<[Duration]>([])
        live.observe { settings in heard.withLock { $0.append(settings.lockHold) } }
        try file.write(
            "TALLYD_DATABASE=/b.db", "TALLYD_TIMEZONE=Europe/Berlin", "TALLYD_LOCK_HOLD=2ms",
            "TALLYD_ROLLUP_INTERVAL=15s")
        let outcome = await reload.perform()
        #expect(
            outcome.reply
                == ControlReply(lines: [
                    "applied TALLYD_LOCK_HOLD: 5ms → 2ms",
                    "applied TALLYD_WAL_LIMIT: 1GiB → 64MiB",
                    "takes effect at the next restart: TALLYD_DATABASE: /a.db → /b.db",
                    "takes effect at the next restart: TALLYD_TIMEZONE: UTC → Europe/Berlin",
                ]))
        #expect(live.current.lockHold == .milliseconds(2))
        #expect(live.current.walLimit == .mebibytes(64))
        #expect(live.current.database == "/a.db")
        #expect(live.current.timeZone == "UTC")
        #expect(live.current.listing.entries.first?.value == "/a.db")
        #expect(heard.withLock { $0 } == [.milliseconds(2)])
        #expect(
            witness.told.withLock { $0 } == [
                .reloading(monotonicMicroseconds: 1_234_000), .status("reading the settings again"), .ready,
                .status(
                    "reloaded: applied TALLYD_LOCK_HOLD, TALLYD_WAL_LIMIT; restart for TALLYD_DATABASE, TALLYD_TIMEZONE"
                ),
            ])

        // What waits is still waiting, and what holds is not applied again.
        guard case .applied(let plan) = await reload.perform() else { throw SettingComplaint("refused") }
        #expect(plan.applied.isEmpty)
        #expect(plan.waiting.map(\.name) == ["TALLYD_DATABASE", "TALLYD_TIMEZONE"])
        #expect(heard.withLock { $0 }.count == 1)
    }

    @Test func `a bad file changes nothing, and every problem is said, logged and told`() async throws {
        let file = try SettingsFile("TALLYD_DATABASE=/a.db")
        let witness = Witness()
        let (reload, live) = try reload(file, witness)
        let before = live.current.listing
        live.observe { _ in Issue.record("told of a change") }
        try file.write("TALLYD_DATABASE=/a.db", "TALLYD_LOCK_HOLD=2ms", "TALLYD_LOG_LEVEL=loud", "TALLYD_WAL=1")
        let outcome = await reload.perform()
        #expect(outcome.reply.status == 78)
        #expect(outcome.reply.lines.count == 3)
        #expect(outcome.reply.lines.first == "refused, nothing has changed:")
        #expect(live.current.listing == before)
        let (told, logged) = (witness.told.withLock { $0 }, witness.logged.withLock { $0 })
        #expect(told.count { $0 == .ready } == 1)
        #expect(logged.map(\.level) == [.error])
        #expect(logged.first?.metadata["message_id"] == "\(MessageID.reloadRefused)")
        let problems = logged.first?.metadata["problems"].map { "\($0)" } ?? ""
        #expect(problems.contains("TALLYD_WAL is no setting"))
        try file.write("TALLYD_DATABASE='/a.db")
        #expect(await reload.perform().reply.lines[1].hasPrefix("\(file.path), line 1: opens a quote"))
        try FileManager.default.removeItem(atPath: file.path)
        #expect(await reload.perform().reply.lines[1].hasPrefix("cannot read the settings file"))
        #expect(live.current.listing == before)
    }

    @Test func `nothing new is said to be nothing new`() async throws {
        let file = try SettingsFile("TALLYD_DATABASE=/a.db")
        let (reload, _) = try reload(file, Witness())
        // Another spelling of the same.
        try file.write("TALLYD_DATABASE='/a.db'", "TALLYD_ROLLUP_INTERVAL=15000ms")
        #expect(await reload.perform().reply == ControlReply(lines: ["nothing has changed"]))
    }

    @Test func `without a file there is nothing to reload`() async throws {
        let origin = SettingsOrigin(environment: ["TALLYD_DATABASE": "/a.db"])
        let reload = Reload(
            origin: origin, live: LiveSettings(try origin.read()), notifier: SilentNotifier(), logger: .quiet,
            monotonic: { .zero })
        let reply = await reload.perform().reply
        #expect(reply.status == 78)
        #expect(reply.lines.last?.contains("TALLYD_ENVIRONMENT_FILE is not set") == true)
    }

    @Test func `reloads at once come one after the other`() async throws {
        let file = try SettingsFile("TALLYD_DATABASE=/a.db")
        let witness = Witness()
        let (reload, _) = try reload(file, witness)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = await reload.perform() } }
        }
        let told = witness.told.withLock { $0 }
        #expect(told.count == 80)
        for start in stride(from: 0, to: told.count, by: 4) {
            #expect(told[start] == .reloading(monotonicMicroseconds: 1_234_000))
            #expect(told[start + 2] == .ready)
        }
    }

    @Test func `every live setting reaches the settings that hold, and no other does`() throws {
        for setting in SettingsTable.all {
            let company = SettingsTests.company(of: setting)
            let old = try Settings(environment: company)
            let new = try Settings(environment: company.merging([setting.name: setting.example]) { $1 })
            let taken = old.takingLive(of: new)
            #expect(taken.listing == (setting.isLive ? new.listing : old.listing))
            // The values, and not just their listing.
            #expect((Self.values(taken) == Self.values(new)) == setting.isLive, "\(setting.name)")
            #expect((Self.values(taken) == Self.values(old)) == !setting.isLive, "\(setting.name)")
        }
    }

    /// All values of the settings as text, without the listing.
    private static func values(_ settings: Settings) -> [String] {
        Mirror(reflecting: settings).children.filter { $0.label != "listing" }.map { "\($0.value)" }
    }

    @Test func `an observer that is forgotten hears nothing more`() throws {
        let live = LiveSettings(try Settings(environment: SettingsTests.database))
        let heard = Mutex(0)
        let observation = live.observe { _ in heard.withLock { $0 += 1 } }
        live.replace(with: live.current)
        live.forget(observation)
        live.replace(with: live.current)
        #expect(heard.withLock { $0 } == 1)
    }
}
