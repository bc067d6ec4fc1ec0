# shellcheck shell=bash disable=SC2154
# Reload: new settings without a restart, all or none of them, and the caller hears which.

reload_checks() {
    check 'a reload applies new settings to the running daemon' reload_applies
    check 'a reload with a wrong setting fails, says why, and changes nothing' reload_refuses
    check 'a setting that is gone from the file falls back to its default' reload_falls_back
    check 'SIGHUP applies new settings, too' hangup_applies
    check 'what waits for a restart is named, and waits' reload_names_what_waits
    check 'nasty settings files are read as systemd reads them' files_are_read_alike
    check 'tallyd reload ends with 75 when no daemon answers' reload_without_daemon
}

# The checks stand ready for a tallyd that can reload; one that can't is skipped, and its unit has no ExecReload=.
can_reload() {
    inside tallyd help | grep --quiet '^  reload ' || skip 'this tallyd knows no reload: its settings take a restart'
}

# Whether a new row is counted within so many seconds.
counts_within() {
    add_rows "$gateway_database" 1
    local tenths
    for ((tenths = 0; tenths < $1 * 10; tenths++)); do
        if all_is_counted "$gateway_database"; then return 0; fi
        sleep 0.1
    done
    return 1
}

# Settings under which a new row waits for an hour; so whether later ones hold is seen in what the daemon does.
sleepy() {
    settings TALLYD_ROLLUP_WAKE=off TALLYD_ROLLUP_INTERVAL=1h
    start_afresh tallyd
    await 30 'every row counted' all_is_counted "$gateway_database"
    refused counts_within 3
}

reload_applies() {
    can_reload
    sleepy
    local process
    process=$(main_process tallyd.service)
    settings TALLYD_ROLLUP_WAKE=off TALLYD_ROLLUP_INTERVAL=1s
    inside timeout 20 systemctl reload tallyd
    counts_within 5
    equal 'the process' "$process" "$(main_process tallyd.service)"
    equal 'the state' active "$(property tallyd.service ActiveState)"
}

reload_refuses() {
    can_reload
    settings
    start_afresh tallyd
    local process place
    process=$(main_process tallyd.service)
    place=$(journal_place)
    settings TALLYD_ROLLUP_WAKE=off TALLYD_ROLLUP_INTERVAL=15
    refused inside timeout 20 systemctl reload tallyd
    equal 'the process' "$process" "$(main_process tallyd.service)"
    equal 'the state' active "$(property tallyd.service ActiveState)"
    await 5 'the reason in the journal' said "$place" 'TALLYD_ROLLUP_INTERVAL=15 has no unit'
    await 5 'status 78' said "$place" 'status=78'
    # The early wake is still on: none of the file was taken.
    counts_within 5
    settings
}

# systemd has put the old values into the process, where they stay: they must not hold.
reload_falls_back() {
    can_reload
    sleepy
    settings
    inside timeout 20 systemctl reload tallyd
    counts_within 5
}

reload_names_what_waits() {
    can_reload
    settings
    start_afresh tallyd
    local place
    place=$(journal_place)
    settings TALLYD_TIMEZONE=Europe/Berlin TALLYD_LOCK_HOLD=4ms
    # By hand, as root and without the unit's variables: it finds the daemon in /run/tallyd.
    inside env TALLYD_DATABASE="$gateway_database" timeout 20 tallyd reload | tee "$work/reload.out"
    grep --quiet --fixed-strings 'applied TALLYD_LOCK_HOLD: 5ms → 4ms' "$work/reload.out"
    grep --quiet --fixed-strings 'takes effect at the next restart: TALLYD_TIMEZONE: UTC → Europe/Berlin' "$work/reload.out"
    since "$place" --output=json --unit=tallyd MESSAGE_ID="$(message_id reloaded)" | grep '"TALLYD_WAITING":"TALLYD_TIMEZONE: UTC'
    await 5 'the status' has_status 'restart for TALLYD_TIMEZONE'
    # Another database's daemon is not ours.
    equal 'the status for another database' 75 \
        "$(inside env TALLYD_DATABASE=/srv/gateway/other.db timeout 20 tallyd reload >/dev/null 2>&1 || echo $?)"
    settings
    inside timeout 20 systemctl reload tallyd
}

has_status() {
    [[ $(property tallyd.service StatusText) == *"$1"* ]]
}

files_are_read_alike() {
    can_reload
    inside python3 /opt/e2e/deploy/e2e-parts/environment-files.py /usr/local/bin/tallyd 60 "$RANDOM"
}

hangup_applies() {
    can_reload
    sleepy
    local process
    process=$(main_process tallyd.service)
    settings TALLYD_ROLLUP_WAKE=off TALLYD_ROLLUP_INTERVAL=1s
    inside systemctl kill --kill-whom=main --signal=HUP tallyd
    counts_within 5
    equal 'the process' "$process" "$(main_process tallyd.service)"
    settings
}

reload_without_daemon() {
    can_reload
    inside systemctl stop tallyd
    local status=0
    as_tallyd env RUNTIME_DIRECTORY=/run/tallyd TALLYD_DATABASE="$gateway_database" timeout 20 tallyd reload || status=$?
    inside systemctl start tallyd
    equal 'the status' 75 "$status"
}
