#if DEBUG
    import Synchronization
    import Testing

    @testable import Daemon

    @Suite struct FaultTests {
        private func faults(_ text: String) throws -> Faults {
            try Settings(environment: SettingsTests.database.merging(["TALLYD_FAULT": text]) { $1 }).faults
        }

        @Test func `a lane that is to hang beats once, and others go on`() throws {
            let faults = try faults("hang:rollup,slow-migration:1")
            #expect(faults.text == "hang:rollup,slow-migration:1")
            #expect(faults.hangs(lane: "rollup"))
            #expect(!faults.hangs(lane: "metrics"))
            let beats = Mutex((rollup: 0, metrics: 0))
            let rollup = faults.beat({ beats.withLock { $0.rollup += 1 } }, lane: "rollup")
            let metrics = faults.beat({ beats.withLock { $0.metrics += 1 } }, lane: "metrics")
            for _ in 0..<3 {
                rollup()
                metrics()
            }
            #expect(beats.withLock { $0.rollup } == 1)
            #expect(beats.withLock { $0.metrics } == 3)
            var told = 0
            faults.slowDownMigration { told += 1 }
            #expect(told == 1)
            Faults().slowDownMigration { Issue.record("slow without a fault") }
        }

        @Test(arguments: ["hang", "slow-migration:x", "slow-migration:0", "crash:rollup", "hang:rollup,,"])
        func `what is no fault is refused`(text: String) {
            let problems = SettingsTests.problems(SettingsTests.database.merging(["TALLYD_FAULT": text]) { $1 })
            #expect(problems.count == 1)
            #expect(problems.first?.hasPrefix("TALLYD_FAULT=\(text) ") == true)
        }
    }
#endif
