# shellcheck shell=bash disable=SC2154
# Starting and stopping: what "started" means, and how fast it ends.

start_checks() {
    check "a 1.0.0 database of $rows rows is there" make_database "$gateway_database" gateway gateway "$rows"
    check 'the service is "activating", not started, while its migration cannot run' not_ready_before_migration
    check 'started means migrated, by the journal'"'"'s clock, too' ready_after_migration
    check 'every row is counted, and the totals verify' totals_are_exact "$gateway_database"
    check 'what tallyd made beside the database belongs to its group' files_are_shared
    check 'the gateway writes on, and its new rows are counted' new_rows_are_counted
    check 'STATUS= says how far it is' status_is_said
    check 'a stop takes less than a second and ends with 0' stop_is_quick
    check 'a stop while it is still starting takes less than two seconds, too' stop_while_starting
    check 'a slow migration delays "started" (debug binary)' slow_migration_delays
}

# Another program keeps a write transaction open until /run/release appears: no migration can run meanwhile.
hold_the_lock() {
    inside rm -f /run/held /run/release
    inside python3 - "$1" <<'PYTHON' &
import os, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
open("/run/held", "w").close()
deadline = time.monotonic() + 30
while not os.path.exists("/run/release") and time.monotonic() < deadline:
    time.sleep(0.05)
connection.execute("ROLLBACK")
PYTHON
    await 10 'the lock' inside test -e /run/held
}

not_ready_before_migration() {
    override tallyd.service fast '[Unit]' StartLimitBurst=1000 '[Service]' RestartSec=200ms
    settings
    hold_the_lock "$gateway_database"
    inside systemctl start --no-block tallyd
    local tenths
    for ((tenths = 0; tenths < 15; tenths++)); do
        refused has_state tallyd.service active
        sleep 0.1
    done
    equal 'the version meanwhile' 1.0.0 "$(schema_version "$gateway_database")"
    inside touch /run/release
    await 30 'started' has_state tallyd.service active
    equal 'the version once started' 1.7.0 "$(schema_version "$gateway_database")"
}

ready_after_migration() {
    local started migrated
    # Microseconds since boot, both of them.
    started=$(property tallyd.service ActiveEnterTimestampMonotonic)
    migrated=$(inside journalctl --quiet --no-pager --unit=tallyd --output=json MESSAGE_ID="$(message_id migrated)" |
        python3 -c 'import json, sys; print(json.loads(sys.stdin.readlines()[-1])["__MONOTONIC_TIMESTAMP"])')
    printf 'migrated at %d, started at %d\n' "$migrated" "$started"
    ((migrated > 0 && started > migrated))
}

files_are_shared() {
    local file
    for file in "$gateway_database" "$gateway_database-wal" "$gateway_database-shm" "$(dirname "$gateway_database")"/*-tallyd.lock; do
        file=$(inside sh -c "ls -d $file")
        equal "group and mode of $file" 'gateway 660' "$(inside stat --format='%G %a' -- "$file")"
    done
}

new_rows_are_counted() {
    inside runuser --user=gateway -- sqlite3 -cmd '.timeout 5000' "$gateway_database" \
        "INSERT INTO usage_logs (user_id, request_id, model, cost) VALUES ('late', 'late-' || hex(randomblob(8)), 'gpt-4o', 0.01)"
    await 10 'the new row counted' all_is_counted "$gateway_database"
}

status_is_said() {
    local text
    text=$(property tallyd.service StatusText)
    printf '%s\n' "$text"
    [[ $text == *'rolled up to row'* ]]
}

stop_is_quick() {
    local begin end
    begin=$(date +%s%N)
    inside systemctl stop tallyd
    end=$(date +%s%N)
    printf 'took %d ms\n' $(((end - begin) / 1000000))
    equal 'the result' success "$(property tallyd.service Result)"
    equal 'the status' 0 "$(property tallyd.service ExecMainStatus)"
    ((end - begin < 1000000000))
    inside systemctl start tallyd
}

stop_while_starting() {
    local place
    make_database /srv/gateway/other.db gateway gateway 100
    override_for_now '[Service]' ExecStart= 'ExecStart=/usr/local/bin/tallyd run --database /srv/gateway/other.db'
    inside systemctl stop tallyd
    place=$(journal_place)
    hold_the_lock /srv/gateway/other.db
    inside systemctl start --no-block tallyd
    await 5 'the start' has_state tallyd.service activating
    sleep 0.3
    local begin end
    begin=$(date +%s%N)
    inside systemctl stop tallyd
    end=$(date +%s%N)
    inside touch /run/release
    since "$place" --unit=tallyd
    printf 'took %d ms, result %s\n' $(((end - begin) / 1000000)) "$(property tallyd.service Result)"
    ((end - begin < 2000000000))
}

slow_migration_delays() {
    [[ -n $debug_binary ]] || skip 'needs --debug-binary, a debug build, which knows TALLYD_FAULT'
    local begin end
    inside systemctl stop tallyd
    make_database /srv/gateway/slow.db gateway gateway 1000
    override_for_now '[Service]' ExecStart= 'ExecStart=/opt/e2e/tallyd-debug run --database /srv/gateway/slow.db' \
        Environment=TALLYD_FAULT=slow-migration:3
    begin=$SECONDS
    inside systemctl start tallyd
    end=$SECONDS
    equal 'the version' 1.7.0 "$(schema_version /srv/gateway/slow.db)"
    printf 'took %d s\n' $((end - begin))
    ((end - begin >= 2))
}
