extension Task where Success == Never, Failure == Never {
    /// Waits in a task that was cancelled as well, where a sleep returns at once and a loop would spin.
    static func uncancelledPause(for duration: Duration) async {
        await Task<Void, Never>.detached { try? await Task.sleep(for: duration) }.value
    }
}
