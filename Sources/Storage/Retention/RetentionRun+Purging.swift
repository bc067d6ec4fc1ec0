import GRDB
import Scheduling

extension RetentionRun {
    // MARK: Usage, by days

    func seal(
        _ plan: RetentionPlan.TablePlan, _ now: Instant, _ shouldStop: @escaping @Sendable () -> Bool,
        _ progress: @escaping @Sendable () -> Void, _ result: inout TableOutcome, _ outcome: inout Outcome
    ) async throws {
        let sealing = DaySealing(store: store, zone: zone, term: term)
        let days = plan.days.filter { $0.step == .seal }.map(\.day)
        for pair in stride(from: 0, to: days.count, by: 2).map({ days[$0..<min($0 + 2, days.count)] }) {
            if shouldStop() {
                outcome.isComplete = false
                return
            }
            var isHalted = false
            for (day, first) in zip(pair, try await Self.seal(pair, sealing, now)) {
                var refusal = first
                // Somebody corrected a row meanwhile; twice in a row it is left for the next run.
                if refusal == .changedMeanwhile { refusal = try await sealing.seal(day, now: now) }
                progress()
                guard let refusal else {
                    outcome.daysSealed.append(day)
                    continue
                }
                result.note = "\(day) can't be sealed: \(refusal.sentence)"
                // What waits for the rollup waits for every later day, too; drift is the day's own.
                if case .drift = refusal { continue }
                isHalted = true
            }
            if isHalted {
                outcome.isComplete = false
                return
            }
        }
    }

    /// One day or two.
    private static func seal(
        _ days: ArraySlice<Day>, _ sealing: DaySealing, _ now: Instant
    ) async throws -> [DaySealing.Refusal?] {
        guard let first = days.first, let last = days.last else { return [] }
        guard first != last else { return [try await sealing.seal(first, now: now)] }
        let (one, other) = try await sealing.seal(first, last, now: now)
        return [one, other]
    }

    func purgeDays(
        _ plan: RetentionPlan.TablePlan, _ believed: Instant, _ planner: RetentionPlanner, _ run: String,
        _ shouldStop: @escaping @Sendable () -> Bool, _ progress: @escaping @Sendable () -> Void,
        _ result: inout TableOutcome,
        _ outcome: inout Outcome
    ) async throws {
        let overrides = try await RetentionOverrides(store: store).of(.usageLogs)
        let purge = DayPurge(store: store, zone: zone, term: term)
        var calendar = DayCalendar(zone: zone)
        let justSealed = Set(outcome.daysSealed)
        let due = plan.days.filter { $0.step == .purge || ($0.isDue && justSealed.contains($0.day)) }.map { day in
            let end = calendar.bounds(of: day.day).upperBound
            return (day: day.day, terms: planner.terms(of: end, plan.period, overrides, believed, run: run))
        }
        let stop: @Sendable () -> Bool = {
            progress()
            return shouldStop()
        }
        let archive = archives(of: .usageLogs, progress).map { DayArchive($0) }
        // Archives are written one after the other, in the order of the days: whoever takes them on gets them so.
        var ahead = await Self.prepare(due.first, archive, stop)
        for (index, (day, terms)) in due.enumerated() {
            if shouldStop() {
                outcome.isComplete = false
                return
            }
            // The next day's archive is written while this day's rows go, which is the other half of the work.
            let next = archive != nil && index + 1 < due.count ? due[index + 1] : nil
            async let nextAhead = Self.prepare(next, archive, stop)
            let purged: DayPurge.Outcome
            do {
                purged =
                    if let archive {
                        try await purge.purge(day, terms, by: archive, ahead: try ahead?.get() ?? nil, shouldStop: stop)
                    } else {
                        try await purge.purge(day, terms, shouldStop: stop)
                    }
            } catch {
                // To its end, with what it is writing.
                _ = await nextAhead
                throw error
            }
            ahead = await nextAhead
            result.removed += purged.removed
            result.kept += purged.kept
            if purged.removed > 0 { outcome.daysPurged.append(day) }
            if !purged.isComplete {
                outcome.isComplete = false
                if !shouldStop() { result.note = "\(day) waits for corrections to be counted" }
                return
            }
        }
    }

    /// A part that is written before its turn. What kept it from being written is told when its turn comes.
    private typealias ArchiveAhead = Swift.Result<ArchivePart?, any Error>

    private static func prepare(
        _ next: (day: Day, terms: DayPurge.Terms)?, _ archive: DayArchive?, _ shouldStop: @escaping @Sendable () -> Bool
    ) async -> ArchiveAhead? {
        guard let next, let archive else { return nil }
        do {
            return .success(try await archive.prepare(next.day, next.terms, anew: false, shouldStop: shouldStop))
        } catch is ArchiveHandover.Stopped {
            return nil
        } catch {
            return .failure(error)
        }
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
