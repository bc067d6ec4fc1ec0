# shellcheck shell=bash disable=SC2154
# The sandbox: lets through what the daemon needs, and nothing else; and secrets that reach the daemon alone.

# Unlike anything else that may stand in a journal or a process list.
secret=secret-$(tr --delete - </proc/sys/kernel/random/uuid)

sandbox_checks() {
    check 'the running daemon has no capability, no way to new ones, and a system call filter' daemon_is_confined
    check 'the running daemon may have as many files open as its webhooks need' daemon_may_open_files
    check "in the daemon's own mounts /etc is read-only and the database's folder is not" daemon_mounts_hold
    check 'a probe under the same unit runs' run_probe
    check 'it reads the figures of system_metrics: /proc, its control group, the volume' \
        probe_has allowed read-proc:stat read-proc:meminfo read-proc:loadavg read-proc:diskstats read-proc:net/dev \
        read-cgroup:cpu.stat volume-size
    check 'it reads /proc/pressure, where the kernel has it' probe_reads_pressure
    check 'it writes the state, runtime and database folders, and a /tmp of its own' \
        probe_has allowed write:state write:runtime write:database-folder write:own-tmp
    check 'it reads settings, time zones and certificates' probe_has allowed read:settings read:zones read:certificates
    check 'it reaches the internet and the journal' probe_has allowed socket:internet-4 socket:internet-6 socket:journal
    check 'setpriority is denied without a word' probe_has allowed setpriority-is-quiet
    check 'it writes nowhere else' \
        probe_has refused write:etc write:settings write:usr write:var write:other-folder write:run write:dev write:boot write:root \
        write:home write:root-home write:sysctl write:cgroup
    check "it sees no passwords, no secrets at rest, no other's files, processes or devices" \
        probe_has refused read:shadow read:secrets-at-rest "read:another's-tmp" read:kernel-command-line see:process-1 make:device
    check 'it opens no netlink, packet or raw socket' probe_has refused socket:netlink socket:packets socket:raw
    check 'it gains no privilege and touches no kernel setting' \
        probe_has refused namespace:user namespace:mount mount become-root trace host-name clock "kill-another's-process" \
        load-code setuid-file realtime
    check 'a secret arrives as a credential in the service' probe_has allowed credential
    check 'a secret is not in the journal, the process list, the environment or systemctl show' secret_is_kept
    check 'the service starts without secrets, even without their folder' secrets_are_optional
}

daemon_is_confined() {
    local status process
    process=$(main_process tallyd.service)
    status=$(inside cat "/proc/$process/status")
    grep --extended-regexp '^(Uid|CapBnd|CapEff|NoNewPrivs|Seccomp):' <<<"$status"
    grep --quiet --extended-regexp "^Uid:\s+$(inside id --user tallyd)\s" <<<"$status"
    grep --quiet --extended-regexp '^CapBnd:\s+0+$' <<<"$status"
    grep --quiet --extended-regexp '^CapEff:\s+0+$' <<<"$status"
    grep --quiet --extended-regexp '^NoNewPrivs:\s+1$' <<<"$status"
    grep --quiet --extended-regexp '^Seccomp:\s+2$' <<<"$status"
}

# 4,096 attempts, eight connections for each of 256 endpoints, and 256 for all else; the manager gives 1,024 unasked.
daemon_may_open_files() {
    local process limit
    process=$(main_process tallyd.service)
    limit=$(inside cat "/proc/$process/limits" | awk '/^Max open files/ { print $4 }')
    printf '%s\n' "$limit"
    # By default, attempts over http at once (12,288 places of which each takes 7), connections kept for later, and all else.
    ((limit >= 12288 / 7 + 8 * 256 + 256))
}

# Even as root: a read-only mount is read-only for everybody.
daemon_mounts_hold() {
    local process
    process=$(main_process tallyd.service)
    refused inside nsenter --target "$process" --mount -- touch /etc/probe
    refused inside nsenter --target "$process" --mount -- touch /usr/local/bin/probe
    refused inside nsenter --target "$process" --mount -- touch /srv/probe
    inside nsenter --target "$process" --mount -- touch /srv/gateway/probe
    inside rm /srv/gateway/probe
}

# The probe's unit is the service's own with its drop-ins, except for what runs and how its end is judged.
run_probe() {
    inside mkdir -p /srv/other
    inside touch /tmp/of-the-machine
    inside chmod 777 /srv/other
    inside sh -c 'umask 077; printf %s '"$secret"' >/etc/tallyd/tallyd.credentials/probe'
    inside sh -c "systemctl cat tallyd.service | grep -vE '^(ExecStart|ExecReload|Type|Restart|WatchdogSec|OnFailure)=' \
        >/etc/systemd/system/tallyd-probe.service"
    override tallyd-probe.service probe '[Service]' Type=oneshot RuntimeDirectoryPreserve=yes StandardOutput=truncate:/run/probe.out \
        "ExecStart=/usr/bin/python3 /opt/e2e/deploy/e2e-parts/probe.py $gateway_database"
    inside systemctl start tallyd-probe
    inside cat /run/probe.out >"$work/probe.out"
    cat -- "$work/probe.out"
    (($(wc --lines <"$work/probe.out") > 40))
}

# probe_has allowed|refused NAMES…
probe_has() {
    local outcome=$1 name
    shift
    for name; do
        grep --fixed-strings -e "$name " -- "$work/probe.out" || wrong "the probe did not try $name"
        grep --quiet --extended-regexp -e "^$name $outcome" -- "$work/probe.out" || wrong "$name should be $outcome"
    done
}

probe_reads_pressure() {
    [[ -e /proc/pressure/cpu ]] || skip 'this kernel has no /proc/pressure'
    probe_has allowed read-proc:pressure/cpu read-proc:pressure/memory read-proc:pressure/io
}

secret_is_kept() {
    start_afresh tallyd
    local process
    process=$(main_process tallyd.service)
    # It is there at all, in the daemon's own view.
    equal 'what the daemon can read' "$secret" \
        "$(inside nsenter --target "$process" --mount -- cat /run/credentials/tallyd.service/tallyd_probe)"
    refused inside runuser --user=nobody -- cat /run/credentials/tallyd.service/tallyd_probe
    inside sh -c "tr '\\0' '\\n' </proc/$process/environ" | grep '^CREDENTIALS_DIRECTORY='
    refused inside sh -c "grep --quiet --text -e $secret /proc/$process/environ /proc/$process/cmdline"
    refused inside sh -c "ps axeww | grep --invert-match -e grep -e 'sh -c' | grep -e $secret"
    refused inside sh -c "systemctl show tallyd | grep -e $secret"
    refused inside sh -c "journalctl --no-pager --all --output=export | grep --text -e $secret"
}

secrets_are_optional() {
    inside mv /etc/tallyd/tallyd.credentials /etc/tallyd/aside
    start_afresh tallyd
    inside mkdir --mode=700 /etc/tallyd/tallyd.credentials
    start_afresh tallyd
    inside rm -r /etc/tallyd/aside
}
