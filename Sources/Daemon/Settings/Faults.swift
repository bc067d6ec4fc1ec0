import Foundation

/// Faults that are put in on purpose, to see what the service manager makes of them. Debug builds read them from TALLYD_FAULT;
/// release builds don't know the name, refuse it like any other unknown one, and have no faults.
package struct Faults: Hashable, Sendable {
    #if DEBUG
        enum Kind: Hashable {
            /// `hang:LANE`: the lane stops beating after its first cycle.
            case hang(lane: String)
            /// `slow-migration:SECONDS`: each migration waits for so long, and says that it goes on.
            case slowMigration(seconds: Int)
        }

        let kinds: [Kind]
    #endif

    /// None.
    package init() {
        #if DEBUG
            kinds = []
        #endif
    }

    /// Whether the lane is to hang once it has finished a cycle: it goes on, but beats no more.
    package func hangs(lane: String) -> Bool {
        #if DEBUG
            kinds.contains(.hang(lane: lane))
        #else
            false
        #endif
    }

    /// A lane's beat, which falls silent after the first one where the lane is to hang.
    package func beat(_ beat: @escaping @Sendable () -> Void, lane: String) -> @Sendable () -> Void {
        guard hangs(lane: lane) else { return beat }
        let first = FirstTime()
        return { if first.isNow() { beat() } }
    }

    /// To be called before each migration: where it is to be slow, waits, and says each second that it still does.
    package func slowDownMigration(progress: () -> Void) {
        #if DEBUG
            for case .slowMigration(let seconds) in kinds {
                for _ in 0..<seconds {
                    progress()
                    sleep(1)
                }
            }
        #endif
    }
}

#if DEBUG
    extension Faults {
        /// - Throws: a complaint that says what there is.
        init(_ text: String) throws(SettingComplaint) {
            var kinds: [Kind] = []
            for word in text.split(separator: ",", omittingEmptySubsequences: false) {
                let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
                switch parts.first {
                case "hang" where parts.count == 2: kinds.append(.hang(lane: parts[1]))
                case "slow-migration" where parts.count == 2:
                    guard let seconds = Int(parts[1]), (1...600).contains(seconds) else {
                        throw SettingComplaint("has no number of seconds; write slow-migration:10")
                    }
                    kinds.append(.slowMigration(seconds: seconds))
                default: throw SettingComplaint("is no fault; write hang:LANE or slow-migration:SECONDS")
                }
            }
            self.kinds = kinds
        }

        var text: String {
            kinds.map { kind in
                switch kind {
                case .hang(let lane): "hang:\(lane)"
                case .slowMigration(let seconds): "slow-migration:\(seconds)"
                }
            }.joined(separator: ",")
        }
    }

    extension SettingKind where Value == Faults {
        static var faults: Self {
            SettingKind(accepts: "faults for tests, with commas between", text: \.text) {
                text throws(SettingComplaint) in
                try Faults(text)
            }
        }
    }
#endif
