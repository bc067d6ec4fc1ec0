# shellcheck shell=bash disable=SC2154
# What happens when the daemon is killed, freezes, or hangs: it comes back, and the totals are right.

failure_checks() {
    check 'after SIGKILL in the middle of counting it comes back, and the totals verify' survives_kill
    check 'the watchdog ends a frozen daemon, and it comes back' survives_freeze
    check 'the watchdog ends a daemon with one hanging loop, says which, and it comes back (debug binary)' survives_hang
    check 'a slow migration asks for more time than the start has, and gets it (debug binary)' slow_migration_is_waited_for
    check 'the release build knows no faults' faults_are_refused
    check 'an abort, as the watchdog sends it, leaves the stacks of all threads in the journal' crash_leaves_stacks
    check 'after all of that the totals verify' totals_are_exact "$gateway_database"
}

survives_kill() {
    start_afresh tallyd
    local before round
    for round in 1 2 3; do
        before=$(restarts tallyd.service)
        add_rows "$gateway_database" "$((rows / 10))"
        # By now it has begun to count them, at one point or another.
        sleep "0.$((round * 2))"
        inside systemctl kill --kill-whom=main --signal=KILL tallyd
        await 20 'a restart' has_restarted tallyd.service "$before"
    done
    totals_are_exact "$gateway_database"
}

survives_freeze() {
    override_for_now '[Service]' WatchdogSec=3s
    start_afresh tallyd
    local place before
    place=$(journal_place)
    before=$(restarts tallyd.service)
    inside systemctl kill --kill-whom=main --signal=STOP tallyd
    await 25 'a restart' has_restarted tallyd.service "$before"
    said "$place" 'Watchdog timeout'
    # An idle daemon is no hanging one.
    place=$(journal_place)
    sleep 7
    refused said "$place" 'Watchdog timeout'
}

survives_hang() {
    [[ -n $debug_binary ]] || skip 'needs --debug-binary, a debug build, which knows TALLYD_FAULT'
    override_for_now '[Service]' WatchdogSec=3s ExecStart= 'ExecStart=/opt/e2e/tallyd-debug run' \
        Environment=TALLYD_FAULT=hang:rollup
    local place before
    place=$(journal_place)
    before=0
    start_afresh tallyd
    await 25 'a restart' has_restarted tallyd.service "$before"
    said "$place" 'Watchdog timeout'
    since "$place" --output=json --unit=tallyd MESSAGE_ID="$(message_id loopLate)" | grep '"TALLYD_LOOP":"rollup"'
}

# On a database of its own, at 1.0.0: each migration takes longer than the start may.
slow_migration_is_waited_for() {
    [[ -n $debug_binary ]] || skip 'needs --debug-binary, a debug build, which knows TALLYD_FAULT'
    make_database /var/lib/tallyd/slow.db tallyd tallyd 10
    settings TALLYD_DATABASE=/var/lib/tallyd/slow.db
    trap 'settings; without_override' EXIT
    override tallyd.service for-now '[Service]' TimeoutStartSec=2s ExecStart= 'ExecStart=/opt/e2e/tallyd-debug run' \
        Environment=TALLYD_FAULT=slow-migration:4
    local began=$SECONDS
    start_afresh tallyd
    ((SECONDS - began >= 4)) || wrong "ready after $((SECONDS - began)) s: it was not slow"
    equal 'the state' active "$(property tallyd.service ActiveState)"
    equal 'restarts' 0 "$(restarts tallyd.service)"
}

faults_are_refused() {
    equal 'the status' 78 "$(inside env TALLYD_FAULT=hang:rollup tallyd config check --database /a.db >/dev/null 2>&1 || echo $?)"
}

# The signal that the watchdog sends, to a daemon in good order: one that was frozen has its threads in places where the crash reporter
# does not always get hold of them. The process outlives it, which is what TimeoutAbortSec= is for.
crash_leaves_stacks() {
    inside test -x /usr/local/libexec/tallyd/swift-backtrace-static || skip 'no swift-backtrace-static was found to install'
    start_afresh tallyd
    local place
    place=$(journal_place)
    inside systemctl kill --kill-whom=main --signal=ABRT tallyd
    await 10 'the stack of the thread that was hit' said "$place" '^Thread [0-9]+ .*crashed'
    await 10 'the end of the report' said "$place" '^Backtrace took'
    (($(since "$place" --output=cat --unit=tallyd.service | grep --count '^Thread [0-9]') > 2))
    start_afresh tallyd
}
