import Scheduling
import Storage
import Systemd

/// Keeps systemd's STATUS= one true sentence. Reads the database only when something happened.
actor StatusLine {
    private let notifier: any ServiceNotifier
    private let store: Store
    private var said = ""

    init(notifier: any ServiceNotifier, store: Store) {
        self.notifier = notifier
        self.store = store
    }

    func update(_ report: RollupLane.Report) async {
        let sentence: String
        switch report {
        case .failed(let error): sentence = "rollup fails: \(error)"
        case .idle where !said.isEmpty && !said.hasPrefix("rollup fails"): return
        case .idle, .ran:
            guard let status = try? await RollupStatus.read(store) else { return }
            sentence = Self.sentence(status)
        }
        guard sentence != said else { return }
        said = sentence
        notifier.notify([.status(sentence)])
    }

    static func sentence(_ status: RollupStatus) -> String {
        let lag = status.lagRows == 0 ? "nothing waits" : "\(status.lagRows) rows wait"
        let rejects = status.rejects.values.reduce(0, +)
        return "rolled up to row \(status.cursor)" + (status.updatedAt.map { " at \($0)" } ?? "") + ", \(lag)"
            + (rejects > 0 ? ", \(rejects) rows set aside" : "")
    }
}
