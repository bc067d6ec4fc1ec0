import GRDB
import Scheduling

extension RetentionRun {
    // MARK: Usage, by days

    /// Purges the days that are due, and seals those that are over and not sealed yet.
    func purgeDays(
        _ plan: RetentionPlan.TablePlan, _ believed: Instant, _ planner: RetentionPlanner, _ run: String,
        _ now: Instant,
        _ shouldStop: @escaping @Sendable () -> Bool, _ progress: @escaping @Sendable () -> Void,
        _ result: inout TableOutcome,
        _ outcome: inout Outcome
    ) async throws {
        let overrides = try await RetentionOverrides(store: store).of(.usageLogs)
        var calendar = DayCalendar(zone: zone)
        let due = plan.days.filter { $0.step == .purge || ($0.step == .seal && $0.isDue) }.map { day in
            let end = calendar.bounds(of: day.day).upperBound
            return DueDay(
                day: day.day, terms: planner.terms(of: end, plan.period, overrides, believed, run: run),
                isSealed: day.step == .purge)
        }
        let stop: @Sendable () -> Bool = {
            progress()
            return shouldStop()
        }
        var seals = Seals(plan)
        defer { note(seals, &result, &outcome) }
        do {
            let parts = archives(of: .usageLogs, progress)
            let lock = due.isEmpty ? nil : try parts?.lock(.usageLogs)
            defer { withExtendedLifetime(lock) {} }
            try await purge(due, parts.map { DayArchive($0) }, now, stop, &seals, &result, &outcome)
        } catch let error as StorageError where error.kind == .leaseLost {
            throw error
        } catch {
            // A folder that can't be written to is no reason to leave days open.
            if let rest = try? await sealAll(seals, now, stop) { seals = rest }
            throw error
        }
        seals = try await sealAll(seals, now, stop)
    }

    /// A day whose rows are old enough to go.
    private struct DueDay: Sendable {
        let day: Day
        let terms: DayPurge.Terms
        /// False for one that this run is to seal first.
        let isSealed: Bool
    }

    /// Removes the rows of one day after the other. Meanwhile the next day is sealed and its archive written, which is the other half of the work.
    private func purge(
        _ due: [DueDay], _ archive: DayArchive?, _ now: Instant, _ stop: @escaping @Sendable () -> Bool,
        _ seals: inout Seals, _ result: inout TableOutcome, _ outcome: inout Outcome
    ) async throws {
        let purge = DayPurge(store: store, zone: zone, term: term)
        // Archives are written one after the other, in the order of the days: whoever takes them on gets them so.
        var ahead = await prepare(due.first, seals, archive, now, stop)
        for (index, day) in due.enumerated() {
            seals = ahead.seals
            if let failure = ahead.failure { throw failure }
            if stop() {
                outcome.isComplete = false
                return
            }
            let (next, sealsSoFar) = (index + 1 < due.count ? due[index + 1] : nil, seals)
            async let nextAhead = prepare(next, sealsSoFar, archive, now, stop)
            guard day.isSealed || seals.sealed.contains(day.day) else {
                ahead = await nextAhead
                continue
            }
            let purged: DayPurge.Outcome
            do {
                purged =
                    if let archive {
                        try await purge.purge(
                            day.day, day.terms, by: archive, ahead: try ahead.part?.get() ?? nil, shouldStop: stop)
                    } else {
                        try await purge.purge(day.day, day.terms, shouldStop: stop)
                    }
            } catch {
                // To its end, with what it is writing.
                seals = await nextAhead.seals
                throw error
            }
            ahead = await nextAhead
            seals = ahead.seals
            result.removed += purged.removed
            result.kept += purged.kept
            if purged.removed > 0 { outcome.daysPurged.append(day.day) }
            if !purged.isComplete {
                outcome.isComplete = false
                if !stop() { result.note = "\(day.day) waits for corrections to be counted" }
                return
            }
        }
    }

    /// What is done for a day before its turn.
    private struct Ahead: Sendable {
        var seals: Seals
        /// What kept a day from being looked at.
        var failure: (any Error)?
        /// What kept it from being written is told when its turn comes.
        var part: Swift.Result<ArchivePart?, any Error>?
    }

    private func prepare(
        _ next: DueDay?, _ seals: Seals, _ archive: DayArchive?, _ now: Instant,
        _ stop: @escaping @Sendable () -> Bool
    ) async -> Ahead {
        var ahead = Ahead(seals: seals)
        guard let next else { return ahead }
        if !next.isSealed {
            do {
                ahead.seals = try await seal(seals, through: next.day, now, stop)
            } catch {
                ahead.failure = error
                return ahead
            }
        }
        guard let archive, next.isSealed || ahead.seals.sealed.contains(next.day) else { return ahead }
        do {
            ahead.part = .success(try await archive.prepare(next.day, next.terms, anew: false, shouldStop: stop))
        } catch is ArchiveHandover.Stopped {
            ahead.part = nil
        } catch {
            ahead.part = .failure(error)
        }
        return ahead
    }

    // MARK: Other tables, by rows

    func purgeRows(
        _ plan: RetentionPlan.TablePlan, _ believed: Instant, _ run: String,
        _ shouldStop: @escaping @Sendable () -> Bool,
        _ progress: @escaping @Sendable () -> Void, _ result: inout TableOutcome, _ outcome: inout Outcome
    ) async throws {
        guard plan.due.rows > 0 else { return }
        let overrides = try await RetentionOverrides(store: store).of(plan.table)
        let scan = RetentionScan(table: plan.table, period: plan.period, overrides: overrides, believed: believed)
        if let parts = archives(of: plan.table, progress) {
            var purged = DayPurge.Outcome()
            defer {
                result.removed += purged.removed
                result.kept += purged.kept
            }
            let lock = try parts.lock(.main(of: plan.table))
            defer { withExtendedLifetime(lock) {} }
            try await RowPurge(scan: scan, parts: parts, run: run).purge(&purged) {
                progress()
                return shouldStop()
            }
            if !purged.isComplete {
                outcome.isComplete = false
                if !shouldStop() { result.note = "rows of it went on changing while they were archived" }
            }
            return
        }
        let zone = zone
        let term = term
        var after: Int64? = .min
        while let position = after {
            let part = try await store.readOneOfMany("find old rows of") { db in
                try scan.read(db, after: position, zone: zone)
            }
            var rest = part.due[...]
            while !rest.isEmpty {
                if shouldStop() {
                    outcome.isComplete = false
                    return
                }
                let due = rest
                let done = try await store.writer.write("purge \(plan.table.rawValue) of") { db, allowance in
                    try term?.check(db)
                    let done = try scan.remove(db, due, zone: zone, allowance)
                    if done.removed > 0 {
                        try AuditTrail.notePurge(
                            of: scan.table, day: nil, rows: done.removed, run: run, now: believed, db)
                    }
                    return done
                }
                progress()
                result.removed += done.removed
                result.kept += done.looked - done.removed
                rest = rest.dropFirst(done.looked)
            }
            after = part.last
        }
    }

    /// Nil where a table's rows go without one.
    private func archives(
        of table: RetentionTable, _ progress: @escaping @Sendable () -> Void
    ) -> ArchiveParts? {
        guard let folder = policies.archiveFolder, policies.archiveTables.contains(table) else { return nil }
        return ArchiveParts(
            store: store, zone: zone, term: term, folder: folder, files: files, handover: handover, progress: progress)
    }
}
