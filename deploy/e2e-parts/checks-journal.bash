# shellcheck shell=bash disable=SC2154
# The journal: fields to search by, and an explanation for every kind of event.

journal_checks() {
    check 'journal entries carry fields: job, rows, lock, MESSAGE_ID, source' fields_are_there
    check 'journalctl -x explains the entries' entries_are_explained
    check 'the catalog in use explains every MESSAGE_ID of the daemon' catalog_is_complete
    check 'nothing comes from the daemon as bare standard error' nothing_bare
}

fields_are_there() {
    inside journalctl --quiet --no-pager --unit=tallyd --output=json MESSAGE_ID="$(message_id rolledUp)" | python3 -c '
import json, sys
entries = [json.loads(line) for line in sys.stdin]
print(len(entries), "entries")
entry = entries[0]
print(json.dumps(entry, indent=1))
assert entry["TALLYD_JOB"] == "rollup"
assert int(entry["TALLYD_ROWS"]) >= 0 and float(entry["TALLYD_LOCK_MS"]) >= 0 and int(entry["TALLYD_RUN"]) > 0
assert entry["SYSLOG_IDENTIFIER"] == "tallyd" and entry["_TRANSPORT"] == "journal" and entry["PRIORITY"] == "6"
assert entry["CODE_FILE"].endswith("Lane+Running.swift") and int(entry["CODE_LINE"]) > 0 and entry["CODE_FUNC"]
assert sum(int(entry["TALLYD_ROWS"]) for entry in entries) >= int(sys.argv[1])
' "$rows"
}

entries_are_explained() {
    local text
    text=$(inside journalctl --quiet --no-pager --catalog --unit=tallyd)
    grep --fixed-strings -e 'Subject: tallyd is ready' <<<"$text"
    grep --fixed-strings -e 'Subject: The database was migrated' <<<"$text"
    # The fields are filled in, none of them left as its name.
    grep --extended-regexp -e 'Subject: Usage was counted \(run [0-9]+\)' <<<"$text"
    refused grep --extended-regexp -e '@TALLYD_[A-Z_]+@' <<<"$text"
}

catalog_is_complete() {
    local id
    while read -r id; do
        inside journalctl --dump-catalog "$id" </dev/null | grep 'Defined-By: tallyd' || wrong "no entry for $id"
        printf '%s is explained\n' "$id"
    done < <(sed -n 's/.* = "\([0-9a-f]\{32\}\)"$/\1/p' "$here/../Sources/Daemon/Observing/MessageID.swift")
}

nothing_bare() {
    local lines
    lines=$(inside journalctl --quiet --no-pager --output=cat --unit=tallyd _TRANSPORT=stdout _COMM=tallyd SYSLOG_IDENTIFIER=tallyd |
        grep --invert-match --extended-regexp '^tallyd: ' | sort | uniq --count || true)
    equal 'what it printed' '' "$lines"
}
