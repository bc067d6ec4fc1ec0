import Daemon
import Scheduling
import Storage

extension Overview {
    var json: JSONValue {
        [
            "rollup": rollupJSON,
            "database": [
                "path": .string(path), "bytes": JSONValue(rollup.space.bytes),
                "wal_bytes": JSONValue(rollup.walBytes),
                "page_bytes": JSONValue(rollup.space.pageSize), "pages": JSONValue(rollup.space.pages),
                "free_pages": JSONValue(rollup.space.freePages), "free_bytes": JSONValue(rollup.space.freeBytes),
                "free_percent": JSONValue(Figures.percentage(rollup.space.freePages, of: rollup.space.pages)),
                "auto_vacuum": .string(rollup.space.autoVacuum.word), "schema_version": JSONValue(schema.schemaVersion),
                "environment": JSONValue(schema.environment), "sqlite_version": .string(sqlite),
                "sqlite_has_wal_reset_bug": .bool(Self.hasWALResetBug(sqlite)),
            ],
            "webhooks": [
                "endpoints": JSONValue(webhooks.endpoints), "disabled": JSONValue(webhooks.disabled),
                "events_waiting": JSONValue(webhooks.events), "queued": JSONValue(webhooks.queued),
                "dead": JSONValue(webhooks.dead),
                "delivery": .string(deliveryWord),
            ],
            "runs": JSONValue(runs.map(Self.json)),
            "now": JSONValue(now),
        ]
    }

    private var deliveryWord: String {
        switch Ownership.Deliverer(holder: holder) {
        case .running: "running"
        case .switchedOff: "switched_off"
        case .another: "waiting"
        case .nobody: "no_daemon"
        }
    }

    var rollupJSON: JSONValue {
        [
            "counted_by": JSONValue(holder),
            "cursor": JSONValue(rollup.cursor),
            "last_id": JSONValue(rollup.lastID),
            "in_batch": .bool(rollup.isInBatch),
            "lag_rows": JSONValue(rollup.lagRows),
            "lag_seconds": JSONValue(lagSeconds),
            "oldest_uncounted_at": JSONValue(rollup.oldestUncounted),
            "newest_day": JSONValue(rollup.newestDay),
            "updated_at": JSONValue(rollup.updatedAt),
            "pending_corrections": JSONValue(rollup.pendingCorrections),
            "marked_days": JSONValue(rollup.markedDays.map { JSONValue($0) }),
            "rejects": .object(rollup.rejects.mapValues { JSONValue($0) }),
            "closed_days": .object(rollup.closedDays.mapValues { JSONValue($0) }),
            "counted_in_time_zone": JSONValue(rollup.zone),
            "time_zone": .string(zone.name),
        ]
    }

    private static func json(_ run: JobLedger.Run) -> JSONValue {
        [
            "id": JSONValue(run.id), "job": .string(run.job), "slot": JSONValue(run.slot),
            "attempt": JSONValue(run.attempt),
            "state": .string(run.state.rawValue), "started_at": JSONValue(run.startedAt),
            "finished_at": JSONValue(run.finishedAt), "rows": JSONValue(run.rows),
            "lock_ms": .number(Double(run.lockMicroseconds) / 1_000), "error": JSONValue(run.error),
        ]
    }
}
