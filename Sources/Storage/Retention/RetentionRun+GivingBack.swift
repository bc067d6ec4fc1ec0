import Scheduling

extension RetentionRun {
    /// The run's last step. What goes wrong with it is in the outcome, as what goes wrong with a table is.
    func giveBack(
        _ now: Instant, _ shouldStop: @escaping @Sendable () -> Bool, _ progress: @escaping @Sendable () -> Void,
        _ outcome: inout Outcome
    ) async throws {
        do {
            let given = try await FreedPages(store: store, term: term).giveBack(
                shouldStop: shouldStop, progress: progress)
            outcome.bytesGivenBack = given.bytes
            if !given.isComplete { outcome.isComplete = false }
        } catch let error as StorageError where error.kind == .leaseLost {
            throw error
        } catch {
            outcome.givingBackFailure = "\(error)"
            try? await note(error, on: "database", now)
        }
    }
}
