import GRDB
import Scheduling

/// Reading what is claimed, a batch ahead, and applying it in short writes.
extension Rollup {
    /// False when asked to stop before the claim was counted.
    @discardableResult
    func countClaimed(
        _ situation: Situation, _ outcome: inout Outcome, _ shouldStop: @Sendable () -> Bool,
        _ progress: @Sendable (Progress) -> Void
    ) async throws -> Bool {
        let state = situation.state
        let rules = rules(situation)
        let border = try await newestDayBorder(in: state)
        /// Where the batch that begins after `start` ends at the latest.
        func end(after start: Int64) -> Int64 { start < border ? border : state.claim }
        // A batch that was cut short ends where it ended then; any other where it is large enough. The first one is small: nothing is applied
        // while it is being read.
        var batch = try await readBatch(
            from: state.cursor, to: state.isInBatch ? state.batchEnd : end(after: state.cursor),
            keys: state.isInBatch ? .max : limits.keysPerBatch / 4, resuming: state, rules, shouldStop)
        while let present = batch {
            // One batch ahead: reading and writing are two connections, and usually two cores.
            let hasMore = present.end < state.claim
            async let ahead =
                hasMore && limits.readsAhead
                ? readBatch(
                    from: present.end, to: end(after: present.end), keys: limits.keysPerBatch, resuming: nil, rules,
                    shouldStop) : nil
            let isDone = try await apply(present, target: state.claim, shouldStop, progress)
            var next = try await ahead
            guard isDone else { return false }
            outcome.rows += present.rows
            outcome.rejected += present.rejectedRows
            if hasMore, !limits.readsAhead {
                next = try await readBatch(
                    from: present.end, to: end(after: present.end), keys: limits.keysPerBatch, resuming: nil, rules,
                    shouldStop)
            }
            if hasMore, next == nil { return false }
            batch = next
        }
        return !shouldStop()
    }

    /// The last row before the newest day of a large claim, where a batch is to end: then the newest day's totals lie side by side in the
    /// file, and a tick, which touches most of them, rewrites a third of the pages (measured: 430 instead of 1,243 for 2,700 keys, which
    /// doubled its time). An estimate is good enough, since where batches end changes no total.
    private func newestDayBorder(in state: RollupState) async throws -> Int64 {
        guard state.claim - state.cursor > UsageBatch.manyRows else { return state.cursor }
        return try await store.read("find the newest day of") { db in
            let first = try Int64.fetchOne(
                db,
                sql: """
                    SELECT id
                    FROM usage_logs
                    WHERE created_at >= (SELECT substr(created_at, 1, 10) FROM usage_logs WHERE id = ?)
                    ORDER BY created_at
                    LIMIT 1
                    """,
                arguments: [state.claim])
            return first.map { min(max($0 - 1, state.cursor), state.claim) } ?? state.cursor
        }
    }

    /// A batch in order, ready to be applied. Nil when asked to stop before it was complete.
    ///
    /// - Parameters:
    ///   - keys: the batch ends after the snapshot in which it reaches so many.
    ///   - state: for a batch that an earlier process may have begun to apply.
    private func readBatch(
        from start: Int64, to end: Int64, keys: Int, resuming state: RollupState?, _ rules: CountingRules,
        _ shouldStop: @Sendable () -> Bool
    ) async throws -> UsageBatch? {
        let batch = UsageBatch(start: start, rules: rules)
        guard try await read(batch, to: end, keys: keys, rules, shouldStop) else { return nil }
        batch.arrange(resuming: state)
        return batch
    }

    /// False when asked to stop before the batch was complete.
    private func read(
        _ batch: UsageBatch, to end: Int64, keys: Int, _ rules: CountingRules, _ shouldStop: @Sendable () -> Bool
    ) async throws -> Bool {
        let start = batch.start
        let size = limits.rowsPerSnapshot
        if limits.readsAhead, end - start >= limits.halvedFrom, end - start <= min(UsageBatch.manyRows, size) {
            let middle = start + (end - start) / 2
            let rest = UsageBatch(start: middle, rules: rules)
            try await store.readBoth(
                "read usage rows of", { db in try batch.read(db, through: middle) },
                { db in try rest.read(db, through: end) })
            try batch.absorb(rest)
            return true
        }
        while batch.end < end, batch.end == start || batch.keys < keys {
            if shouldStop() { return false }
            try await store.read("read usage rows of") { db in
                // By ids, not by rows: at most `size` rows lie in between, and a gap in the ids belongs to the part that ends it.
                let first = try Int64.fetchOne(
                    db, sql: "SELECT MIN(id) FROM usage_logs WHERE id > ?", arguments: [batch.end])
                try batch.read(db, through: first.map { min(end, max($0, batch.end + 1) - 1 + size) } ?? end)
            }
        }
        return true
    }

    /// False when asked to stop between two parts.
    private func apply(
        _ batch: UsageBatch, target: Int64, _ shouldStop: @Sendable () -> Bool, _ progress: @Sendable (Progress) -> Void
    ) async throws -> Bool {
        let now = now()
        while true {
            let goesOn: @Sendable (UsageBatch.Progress) -> Bool = { part in
                batch.advance(to: part)
                return !part.isComplete
            }
            let part = try await write("apply totals to", goesOn: goesOn) { db, allowance in
                try batch.applyPart(db, allowance, now: now)
            }
            batch.advance(to: part)
            let done = batch.start + Int64(Double(batch.end - batch.start) * batch.share(at: part))
            progress(Progress(doneID: done, targetID: target, phase: "rolling up"))
            if part.isComplete { return true }
            if shouldStop() { return false }
        }
    }
}
