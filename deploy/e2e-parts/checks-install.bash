# shellcheck shell=bash disable=SC2154
# Installing: what is put where, that it may be done twice, and what the units are worth before anything runs.

install_checks() {
    check 'install puts program, units, user and folders in place' install_works
    check 'installing again changes nothing and keeps edited settings' install_is_idempotent
    check 'systemd-analyze verify finds nothing to say about the units' units_are_sound
    check "the sandbox's exposure is 1.1 or lower" exposure_is_low
    check 'tallyd.env names every setting of the program, at its default' settings_are_listed
    check 'without a database the start fails with 66 and is tried again' missing_database_is_retried
    check 'wrong settings fail with 78, are not retried, and OnFailure= reports it' wrong_settings_stay_down
    check 'a start that keeps failing ends, and OnFailure= reports it' start_limit_ends_it
    check 'uninstall leaves settings and data, and installing again works' uninstall_works
}

install_works() {
    inside /opt/e2e/deploy/install --binary /opt/e2e/tallyd
    inside tallyd --version
    inside id tallyd
    equal 'the state folder' 'tallyd:tallyd 2770' "$(inside stat --format='%U:%G %a' /var/lib/tallyd)"
    equal "the secrets' folder" 'root:root 700' "$(inside stat --format='%U:%G %a' /etc/tallyd/tallyd.credentials)"
    equal 'the settings file' 'root:tallyd 640' "$(inside stat --format='%U:%G %a' /etc/tallyd/tallyd.env)"
    equal 'the unit' loaded "$(property tallyd.service LoadState)"
    equal 'the template' loaded "$(property tallyd@any.service LoadState)"
    equal 'its failure unit' tallyd-failure@tallyd.service.service "$(property tallyd.service OnFailure)"
}

install_is_idempotent() {
    inside sh -c 'echo "# mine" >>/etc/tallyd/tallyd.env'
    local before after said
    before=$(inside find /usr/local /etc/tallyd -type f -printf '%p %i %T@\n' | sort)
    said=$(inside /opt/e2e/deploy/install --binary /opt/e2e/tallyd)
    after=$(inside find /usr/local /etc/tallyd -type f -printf '%p %i %T@\n' | sort)
    equal 'what is installed' "$before" "$after"
    [[ $said == *'kept /etc/tallyd/tallyd.env'* ]] || wrong "it did not say that it kept the settings: $said"
    equal 'a wrong option' 64 "$(inside /opt/e2e/deploy/install --nonsense 2>/dev/null || echo $?)"
    equal 'a missing program' 66 "$(inside /opt/e2e/deploy/install --binary /none 2>/dev/null || echo $?)"
    inside /opt/e2e/deploy/install --binary /opt/e2e/tallyd --prefix /usr --destdir /tmp/package
    inside grep --quiet '^ExecStart=/usr/bin/tallyd run$' /tmp/package/usr/lib/systemd/system/tallyd.service
    inside rm -r /tmp/package
}

units_are_sound() {
    local complaints
    complaints=$(inside systemd-analyze verify --man=no tallyd.service tallyd@any.service tallyd-failure@any.service 2>&1 || true)
    equal 'what it says' '' "$complaints"
}

exposure_is_low() {
    local unit line
    for unit in tallyd.service tallyd@any.service; do
        line=$(inside systemd-analyze security --no-pager "$unit" | tail -n 1)
        printf '%s\n' "$line"
        awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+$/) { found = 1; if ($i > 1.1) exit 1 } } END { exit !found }' <<<"$line"
        inside systemd-analyze security --no-pager --threshold=11 "$unit" >/dev/null
    done
}

settings_are_listed() {
    inside /opt/e2e/deploy/check --only settings --binary /opt/e2e/tallyd
}

missing_database_is_retried() {
    local place
    place=$(journal_place)
    make_gateway
    settings
    override tallyd.service fast '[Service]' RestartSec=200ms
    refused inside systemctl start tallyd
    # A restart follows by itself; the failed start is one attempt, so two more prove it.
    await 10 'two restarts' tried_again "$place" 2
    await 5 'status 66' said "$place" 'code=exited, status=66'
    inside systemctl stop tallyd
}

wrong_settings_stay_down() {
    local place
    place=$(journal_place)
    settings 'TALLYD_ROLLUP_INTERVAL=15'
    inside rm -f /run/hooked
    # shellcheck disable=SC2016
    inside sh -c 'printf "#!/bin/sh\ncat >/dev/null\necho \"\$1\" >/run/hooked\n" >/etc/tallyd/on-failure; chmod 755 /etc/tallyd/on-failure'
    refused inside systemctl start tallyd
    equal 'the status' 78 "$(property tallyd.service ExecMainStatus)"
    equal 'the state' failed "$(property tallyd.service ActiveState)"
    sleep 1
    refused tried_again "$place" 1
    await 5 'the reason in the journal' said "$place" 'TALLYD_ROLLUP_INTERVAL=15 has no unit'
    await 5 'the report' said "$place" '^tallyd.service has failed and stays down' 'tallyd-failure@tallyd.service.service'
    await 5 'the hook' inside test -s /run/hooked
    equal 'what the hook was told' tallyd.service "$(inside cat /run/hooked)"
    inside rm /etc/tallyd/on-failure
    inside systemctl reset-failed tallyd
    settings
}

start_limit_ends_it() {
    local place
    place=$(journal_place)
    refused inside systemctl start tallyd
    await 20 'the end of the restarts' has_state tallyd.service failed
    await 5 'the report' said "$place" 'has failed and stays down' 'tallyd-failure@tallyd.service.service'
    inside systemctl reset-failed tallyd
}

uninstall_works() {
    inside systemctl enable tallyd
    inside /opt/e2e/deploy/uninstall
    equal 'the unit' not-found "$(property tallyd.service LoadState)"
    refused inside test -e /usr/local/bin/tallyd
    refused inside test -L /etc/systemd/system/multi-user.target.wants/tallyd.service
    refused inside sh -c 'journalctl --list-catalog | grep tallyd'
    inside test -s /etc/tallyd/tallyd.env
    inside test -d /var/lib/tallyd
    inside /opt/e2e/deploy/uninstall
    inside /opt/e2e/deploy/install --binary /opt/e2e/tallyd
    equal 'the unit' loaded "$(property tallyd.service LoadState)"
}

# The gateway: a user of its own with a folder of its own, and tallyd let into that as the shipped drop-in has it.
make_gateway() {
    inside id gateway 2>/dev/null || inside useradd --system --user-group --no-create-home gateway
    inside install --directory --owner=gateway --group=gateway --mode=2770 /srv/gateway
    inside mkdir -p /etc/systemd/system/tallyd.service.d
    inside cp /usr/local/share/doc/tallyd/database.conf.example /etc/systemd/system/tallyd.service.d/database.conf
    inside systemctl daemon-reload
}
