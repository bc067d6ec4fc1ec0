import Foundation
import Testing

extension CrashTests {
    /// Settings read again by a real daemon.
    struct ReloadTests {
        /// A daemon whose settings stand in a file, which is what `start` wrote.
        private struct Setup {
            let place: Workplace
            let file: URL
            let manager: NotifySocket
            let daemon: Child

            init(_ lines: String...) async throws {
                place = try await Workplace.migrated()
                file = place.folder.appending(path: "tallyd.env")
                manager = try NotifySocket(in: place.folder)
                try Self.write(lines, file)
                daemon = try place.daemon([
                    "TALLYD_ENVIRONMENT_FILE": file.path, "NOTIFY_SOCKET": manager.path,
                ])
                try #require(await manager.line("READY=1") != nil, "\(daemon.errors)")
            }

            func write(_ lines: String...) throws { try Self.write(lines, file) }

            private static func write(_ lines: [String], _ file: URL) throws {
                try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
            }

            func reload() async throws -> Finished {
                try await place.finish(.tallyd, ["reload", "--database", place.database])
            }

            /// A row that nobody announces: only the interval finds it.
            func addRow() throws {
                try place.execute(
                    "INSERT INTO usage_logs (user_id, request_id, model, input_tokens, status, created_at)"
                        + " VALUES ('u', '\(UUID().uuidString)', 'm', 1, 'success', '2026-11-23T22:31:07Z')")
            }

            func stop() async {
                daemon.send(SIGTERM)
                #expect(await daemon.ending(within: .seconds(5)) == .exited(0), "\(daemon.errors)")
            }
        }

        @Test func `a reload applies new settings to the running daemon and tells the manager`() async throws {
            let setup = try await Setup(
                "TALLYD_ROLLUP_WAKE=off", "TALLYD_ROLLUP_INTERVAL=1h", "TALLYD_LOG_LEVEL=notice")
            let heard = setup.manager.lines.all.count
            try setup.write("TALLYD_ROLLUP_WAKE=off", "TALLYD_ROLLUP_INTERVAL=1s", "TALLYD_TIMEZONE=Europe/Berlin")
            let reload = try await setup.reload()
            #expect(reload.status == 0, "\(reload.errors)")
            #expect(
                reload.output == """
                    applied TALLYD_ROLLUP_INTERVAL: 1h → 1s
                    applied TALLYD_LOG_LEVEL: notice → info
                    takes effect at the next restart: TALLYD_TIMEZONE: UTC → Europe/Berlin
                    """)
            #expect(await setup.manager.line("RELOADING=1", after: heard) != nil)
            #expect(await setup.manager.line("MONOTONIC_USEC=", after: heard) != nil)
            #expect(await setup.manager.line("READY=1", after: heard) != nil)
            #expect(await setup.manager.line("STATUS=reloaded: applied", after: heard) != nil)
            // Only now: the lane's first look may come after READY=1, and what it finds would be logged below the level. This is logged at
            // info, which was below the level before.
            try setup.addRow()
            #expect(await setup.daemon.says("rolled up  "), "\(setup.daemon.errors)")
            await setup.stop()
            #expect(!FileManager.default.fileExists(atPath: setup.place.database + "-tallyd.sock"))
        }

        @Test func `a bad file is refused with every problem, and the daemon goes on as before`() async throws {
            let setup = try await Setup("TALLYD_ROLLUP_WAKE=off", "TALLYD_ROLLUP_INTERVAL=1s")
            try setup.write("TALLYD_ROLLUP_INTERVAL=15", "TALLYD_LOG_LEVEL=loud")
            let heard = setup.manager.lines.all.count
            let reload = try await setup.reload()
            #expect(reload.status == 78)
            #expect(reload.errors.contains("TALLYD_ROLLUP_INTERVAL=15 has no unit; write 15s or 15m"))
            #expect(reload.errors.contains("TALLYD_LOG_LEVEL=loud is not"))
            #expect(await setup.manager.line("READY=1", after: heard) != nil)
            #expect(await setup.manager.line("STATUS=reload refused", after: heard) != nil)
            try setup.addRow()
            #expect(await setup.daemon.says("rolled up  "), "\(setup.daemon.errors)")
            await setup.stop()
        }

        @Test func `SIGHUP does the same, however many come at once`() async throws {
            let setup = try await Setup("TALLYD_LOG_LEVEL=notice")
            try setup.write("TALLYD_LOG_LEVEL=info")
            let heard = setup.manager.lines.all.count
            for _ in 0..<20 { setup.daemon.send(SIGHUP) }
            #expect(await setup.manager.line("RELOADING=1", after: heard) != nil)
            #expect(await setup.manager.line("READY=1", after: heard) != nil)
            #expect(await setup.manager.line("STATUS=reloaded: applied TALLYD_LOG_LEVEL", after: heard) != nil)
            try setup.addRow()
            #expect(await setup.daemon.says("rolled up  "), "\(setup.daemon.errors)")
            await setup.stop()
        }

        @Test func `without a daemon it ends with 75 and says where it looked`() async throws {
            let place = try Workplace()
            let beside = try await place.finish(.tallyd, ["reload", "--database", place.database])
            #expect(beside.status == 75)
            #expect(beside.errors.contains("\(place.database)-tallyd.sock: there is no such socket"))
            let runtime = try await place.finish(
                .tallyd, ["reload", "--timeout", "5s"],
                // Wrong settings are none of its business.
                ["RUNTIME_DIRECTORY": place.folder.path, "TALLYD_LOG_LEVEL": "loud", "TALLYD_NONSENSE": "1"])
            #expect(runtime.status == 75)
            #expect(runtime.errors.contains("\(place.folder.path)/control.sock: there is no such socket"))
            #expect(try await place.finish(.tallyd, ["reload", "--timeout", "5"]).status == 64)
        }

        @Test func `a socket that a killed daemon left is replaced by the next`() async throws {
            let setup = try await Setup("TALLYD_LOG_LEVEL=info")
            setup.daemon.send(SIGKILL)
            _ = await setup.daemon.ending(within: .seconds(5))
            #expect(FileManager.default.fileExists(atPath: setup.place.database + "-tallyd.sock"))
            let dead = try await setup.reload()
            #expect(dead.status == 75)
            #expect(dead.errors.contains("nobody listens there"))
            let heard = setup.manager.lines.all.count
            let next = try setup.place.daemon([
                "TALLYD_ENVIRONMENT_FILE": setup.file.path, "NOTIFY_SOCKET": setup.manager.path,
            ])
            try #require(await setup.manager.line("READY=1", after: heard) != nil, "\(next.errors)")
            let reload = try await setup.reload()
            #expect(reload.output == "nothing has changed", "\(reload.errors)")
        }

        @Test func `config check names the file as a source, and its faults by line`() async throws {
            let place = try Workplace()
            let file = place.folder.appending(path: "a.env")
            try Data("TALLYD_LOCK_HOLD='2ms'\n".utf8).write(to: file)
            let good = try await place.tallyd("config", "check", "--environment-file", file.path)
            #expect(good.status == 0, "\(good.errors)")
            #expect(good.output.contains("TALLYD_LOCK_HOLD=2ms  (environment file)"))
            try Data("\nTALLYD_LOCK_HOLD='2ms\n".utf8).write(to: file)
            let bad = try await place.tallyd("config", "check", "--environment-file", file.path)
            #expect(bad.status == 78)
            #expect(bad.errors.contains("\(file.path), line 2: opens a quote that is never closed"))
        }
    }
}
