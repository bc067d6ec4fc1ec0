# shellcheck shell=bash disable=SC2154
# What the checks need again and again: databases as a gateway leaves them, and questions about units, journal and totals.

gateway_database=/srv/gateway/usage.db

# A folder and a 1.0.0 database in it, as documented: owner and group the gateway's, setgid folder, file 0660.
# make_database FILE OWNER GROUP ROWS
make_database() {
    local file=$1 owner=$2 group=$3 rows=$4 folder
    folder=$(dirname -- "$file")
    inside install --directory --owner="$owner" --group="$group" --mode=2770 -- "$folder"
    inside sh -c "rm -f -- '$file' '$file'-* && sqlite3 '$file' </opt/e2e/migrations/001_initial_schema.sql"
    add_rows "$file" "$rows"
    inside sh -c "chown $owner:$group '$file' '$file'-* 2>/dev/null; chmod 0660 '$file'"
    equal 'the version of a new database' 1.0.0 "$(schema_version "$file")"
}

# Rows of the past 30 days in both of the gateway's time formats, with errors, recorded, missing and unknown prices.
# add_rows FILE ROWS
add_rows() {
    inside sqlite3 -cmd '.timeout 10000' "$1" "
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $2)
        INSERT INTO usage_logs (user_id, request_id, model, input_tokens, output_tokens, cost, latency, status, created_at)
        SELECT 'user-' || (n % 89),
               lower(hex(randomblob(12))),
               CASE n % 4 WHEN 0 THEN 'gpt-4o' WHEN 1 THEN 'claude-3-5-haiku' WHEN 2 THEN 'gpt-4o-mini' ELSE 'of-no-known-price' END,
               n % 977,
               n % 631,
               CASE WHEN n % 3 = 0 THEN 0 ELSE (n % 1009) / 100000.0 END,
               40 + n % 2903,
               CASE WHEN n % 37 = 0 THEN 'error' ELSE 'success' END,
               strftime(CASE WHEN n % 5 = 0 THEN '%Y-%m-%d %H:%M:%S' ELSE '%Y-%m-%dT%H:%M:%fZ' END,
                        'now', '-' || (n * 7919 % 2592000) || ' seconds')
        FROM numbers"
}

# query FILE SQL
query() {
    inside sqlite3 -cmd '.timeout 10000' "$1" "$2"
}

schema_version() {
    query "$1" "SELECT value FROM schema_metadata WHERE key = 'schema_version'"
}

# Whether the daily totals hold as many requests as there are raw rows: SQL's word, not the daemon's.
all_is_counted() {
    [[ $(query "$1" 'SELECT (SELECT count(*) FROM usage_logs) = (SELECT sum(total_requests) FROM daily_usage_stats)') == 1 ]]
}

# The command line as the service's user, in the gateway's group. as_tallyd COMMAND…
as_tallyd() {
    inside runuser --user=tallyd --group=tallyd --supp-group=gateway -- "$@"
}

# All rows counted, and every total equal to what the raw rows say. totals_are_exact FILE
totals_are_exact() {
    await 30 'every row counted' all_is_counted "$1"
    as_tallyd tallyd rollup verify --database "$1"
}

# property UNIT NAME
property() {
    inside systemctl show --property="$2" --value -- "$1"
}

has_state() {
    [[ $(property "$1" ActiveState) == "$2" ]]
}

# has_restarted UNIT COUNT: back in service after more than so many restarts by systemd.
has_restarted() {
    (($(property "$1" NRestarts) > $2)) && has_state "$1" active
}

restarts() {
    property "$1" NRestarts
}

main_process() {
    property "$1" MainPID
}

# tried_again PLACE COUNT: so many restarts, at least, after that place in the journal.
tried_again() {
    (($(since "$1" --output=cat --unit=tallyd.service --grep='Scheduled restart job' | wc --lines) >= $2))
}

# Clean start, whatever an earlier check has left.
start_afresh() {
    inside systemctl stop "$1"
    inside systemctl reset-failed "$1" 2>/dev/null || true
    inside systemctl start "$1"
}

# override UNIT NAME TEXT…: a drop-in, one line an argument.
override() {
    local unit=$1 name=$2
    shift 2
    inside mkdir -p "/etc/systemd/system/$unit.d"
    printf '%s\n' "$@" | inside tee "/etc/systemd/system/$unit.d/$name.conf" >/dev/null
    inside systemctl daemon-reload
}

# The same for tallyd.service and the length of a check: however that ends, tallyd is afterwards started again without it.
override_for_now() {
    trap without_override EXIT
    override tallyd.service for-now "$@"
}

without_override() {
    inside touch /run/release
    inside rm -f /etc/systemd/system/tallyd.service.d/for-now.conf
    inside systemctl daemon-reload
    start_afresh tallyd || true
}

# The service as the checks after "start" expect it, for when those were left out.
prepare_service() {
    if inside test -e "$gateway_database" && has_state tallyd.service active; then return 0; fi
    inside test -e "$gateway_database" || make_database "$gateway_database" gateway gateway "$rows"
    override tallyd.service fast '[Unit]' StartLimitBurst=1000 '[Service]' RestartSec=200ms
    settings
    start_afresh tallyd
}

# The settings file of tallyd.service: what ships, and these lines.
settings() {
    inside cp -- /opt/e2e/deploy/systemd/tallyd.env /etc/tallyd/tallyd.env
    printf '%s\n' "TALLYD_DATABASE=$gateway_database" "$@" | inside tee -a /etc/tallyd/tallyd.env >/dev/null
}

# The id of a kind of event. message_id NAME, as MessageID.swift has it
message_id() {
    sed -n "s/.* let $1 = \"\([0-9a-f]*\)\".*/\1/p" "$here/../Sources/Daemon/Observing/MessageID.swift"
}

# A place in the journal, for `since`. A time, not a cursor: beside a filter, journalctl --after-cursor passes the first match over.
journal_place() {
    date +%s.%6N
}

# since PLACE ARGUMENTS…: the journal after that place.
since() {
    local place=$1
    shift
    inside journalctl --sync
    inside journalctl --quiet --no-pager --since="@$place" "$@"
}

# said PLACE PATTERN [UNIT]: whether a line after that place matches.
said() {
    since "$1" --output=cat --unit="${3:-tallyd.service}" | grep --extended-regexp -e "$2"
}
