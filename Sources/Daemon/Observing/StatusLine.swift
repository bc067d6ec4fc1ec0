import Scheduling
import Storage
import Systemd

/// Keeps systemd's STATUS= one true sentence. Reads the database only when something happened.
actor StatusLine {
    private let notifier: any ServiceNotifier
    private let store: Store
    private var said = ""
    /// Jobs whose last run failed, with the sentence that says so.
    private var failures: [String: String] = [:]
    private var lanes: [Lane] = []
    private var webhooks = 0

    init(notifier: any ServiceNotifier, store: Store) {
        self.notifier = notifier
        self.store = store
    }

    /// Whose next runs the sentence tells.
    func show(nextOf lanes: [Lane]) { self.lanes = lanes }

    /// How many webhooks wait or are under way has changed.
    func update(webhooks: Int) async {
        self.webhooks = webhooks
        await say()
    }

    func update(_ job: String, _ report: Lane.Report) async {
        switch report {
        case .failed(let error): failures[job] = "\(job) fails: \(error)"
        case .idle where !said.isEmpty && failures[job] == nil: return
        case .idle, .ran: failures[job] = nil
        }
        await say()
    }

    private func say() async {
        let sentence: String
        if let failure = failures.min(by: { $0.key < $1.key })?.value {
            sentence = failure
        } else {
            guard let status = try? await RollupStatus.read(store) else { return }
            sentence = Self.sentence(status) + queue + next
        }
        guard sentence != said else { return }
        said = sentence
        notifier.notify([.status(sentence)])
    }

    private var queue: String {
        webhooks == 0 ? "" : ", \(webhooks) webhook\(webhooks == 1 ? "" : "s") under way"
    }

    /// Only jobs that keep to their schedule: the rollup is on its way whenever the database changes.
    private var next: String {
        let coming = lanes.compactMap { lane in lane.job.early == nil ? lane.next.map { (lane.job.name, $0) } : nil }
        return coming.min { $0.1 < $1.1 }.map { ", next \($0.0) at \($0.1)" } ?? ""
    }

    static func sentence(_ status: RollupStatus) -> String {
        let lag = status.lagRows == 0 ? "nothing waits" : "\(status.lagRows) rows wait"
        let rejects = status.rejects.values.reduce(0, +)
        return "rolled up to row \(status.cursor)" + (status.updatedAt.map { " at \($0)" } ?? "") + ", \(lag)"
            + (rejects > 0 ? ", \(rejects) rows set aside" : "")
    }
}
