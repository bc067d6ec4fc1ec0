/// From the wall times that an expression matches to the slots at which it is due.
///
/// A slot is due at the first instant at which the zone's clocks show its time or a later one. That one sentence decides
/// both ends of summer time:
/// - *Gap.* A time that the clocks jump over is due right after the jump, and all times in one gap are due there
///   together, as one slot. systemd leaves them out, and a nightly job would not run that night.
/// - *Fold.* A time that comes twice is due at the first. It is not due again at the second, not even for a daemon that
///   starts between them; there systemd would.
///
/// Two exceptions, for expressions that users take for elapsed time (`CalendarExpression.isRhythm`):
/// - A rhythm (every hour, or `*` or `/n` in minutes or seconds) goes on through the second pass of a fold, where systemd
///   is silent for as long as the clocks went back: `*:0/10` stays ten minutes apart.
/// - What is due in every hour of the day is not due once more because of a gap: after 01:30 comes 03:30, an hour later.
///   A whole day that a zone left out (Pacific/Apia, 2011-12-30) is a gap like any other.
///
/// As "shows its time or a later one" only ever grows, the next slot after an instant belongs to the first matching wall
/// time above the highest one shown so far, and the latest slot to the last one not above it. A second pass can only lie
/// within a day of either, so it is looked for there. Every answer costs two or three searches, however far away it is.
extension CalendarExpression {
    /// The first slot after the instant; nil when none is left up to the end of 2199.
    package func next(after instant: Instant) -> Slot? {
        let instant = Self.clamped(instant)
        let clock = ZoneClock(zone: zone)
        var search = CalendarSearch(self)
        let first = nextFirstPass(after: instant, clock, &search)
        guard isRhythm else { return first.map(Self.slot) }
        let second = clock.changes(in: instant - ZoneClock.longestShift...instant + ZoneClock.longestShift).lazy
            .compactMap { change -> Int64? in
                let offset = change.after - change.instant
                guard let wall = search.first(atOrAfter: max(change.fold.lowerBound, instant + 1 + offset)),
                    change.fold.contains(wall)
                else { return nil }
                return wall - offset
            }.first
        return [first, second].compactMap(\.self).min().map(Self.slot)
    }

    /// The last slot at or before the instant; nil when there was none since 1970.
    package func latest(at instant: Instant) -> Slot? {
        let instant = Self.clamped(instant)
        let clock = ZoneClock(zone: zone)
        var search = CalendarSearch(self)
        guard let first = latestFirstPass(at: instant, clock, &search) else { return nil }
        guard isRhythm else { return Self.slot(first) }
        let end = min(instant, first + ZoneClock.longestShift)
        let second = clock.changes(in: first...end).reversed().lazy.compactMap { change -> Int64? in
            let offset = change.after - change.instant
            guard !change.fold.isEmpty,
                let wall = search.last(atOrBefore: min(change.fold.upperBound - 1, instant + offset)),
                change.fold.contains(wall)
            else { return nil }
            return wall - offset
        }.first
        return Self.slot(max(first, second ?? first))
    }

    /// Whether times within the gap are left out rather than due after it.
    func leavesOut(_ gap: Range<Int64>) -> Bool {
        isEveryHour && gap.upperBound - gap.lowerBound < 24 * ZoneClock.hour
    }

    private func nextFirstPass(after instant: Int64, _ clock: ZoneClock, _ search: inout CalendarSearch) -> Int64? {
        var floor = clock.highestWall(until: instant) + 1
        while let wall = search.first(atOrAfter: floor) {
            let due = clock.firstInstant(showing: wall)
            guard let gap = clock.gap(endingAt: due), gap.contains(wall), leavesOut(gap) else { return due }
            floor = gap.upperBound
        }
        return nil
    }

    private func latestFirstPass(at instant: Int64, _ clock: ZoneClock, _ search: inout CalendarSearch) -> Int64? {
        var ceiling = clock.highestWall(until: instant)
        while let wall = search.last(atOrBefore: ceiling) {
            let due = clock.firstInstant(showing: wall)
            guard let gap = clock.gap(endingAt: due), gap.contains(wall), leavesOut(gap) else { return due }
            ceiling = gap.lowerBound - 1
        }
        return nil
    }

    private static func slot(_ milliseconds: Int64) -> Slot { Slot(Instant(milliseconds: milliseconds)) }

    /// Within the years of the calendar and two days around, past which every answer is the same.
    private static func clamped(_ instant: Instant) -> Int64 {
        min(max(instant.milliseconds, -172_800_000), 7_258_291_200_000)
    }
}

extension ZoneClock {
    /// The wall times that are left out right before the instant; nil when the clocks are not changed there.
    func gap(endingAt instant: Int64) -> Range<Int64>? {
        let before = offset(at: instant - 1)
        let after = offset(at: instant)
        return after > before ? instant + before..<instant + after : nil
    }
}
