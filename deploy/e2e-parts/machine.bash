# shellcheck shell=bash disable=SC2154
# A machine to test in: this host's own systemd as process 1 of new namespaces, over a copy of the host's root that lives in memory.
#
# The machine is one control group and one process namespace, so taking it down kills nothing else and leaves nothing behind. It guards
# against accidents, not attacks: root in it is the host's root, with the clock, modules and the kernel's log out of reach.
#
# Sourced by deploy/e2e, which sets `work`, an empty folder; a folder `work/payload` shows up in the machine as /opt/e2e.

# Capabilities that a container manager keeps back as well, and that no check needs.
machine_capabilities=-sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm,-block_suspend,-mac_admin,-mac_override,-audit_control,-audit_read

# Whether this host lets us build one; if not, `machine_obstacle` says why.
machine_is_possible() {
    local reason
    if ((EUID != 0)); then
        machine_obstacle='it takes root'
        return 1
    fi
    local tool
    for tool in unshare nsenter setpriv setsid timeout /lib/systemd/systemd; do
        if ! command -v "$tool" >/dev/null; then
            machine_obstacle="$tool is missing"
            return 1
        fi
    done
    machine_cgroup_root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    if [[ -z $machine_cgroup_root ]]; then
        machine_obstacle='no cgroup2 is mounted'
        return 1
    fi
    if ! reason=$(mkdir -- "$machine_cgroup_root/tallyd-probe.$$" 2>&1 && rmdir -- "$machine_cgroup_root/tallyd-probe.$$" 2>&1); then
        machine_obstacle="control groups cannot be made here ($reason)"
        return 1
    fi
    # The three things that containers forbid: namespaces, mounting an overlay, and mounting a proc of one's own.
    # shellcheck disable=SC2016
    if ! reason=$(unshare --mount --propagation private --pid --fork --uts --ipc --net --cgroup bash -euc '
        mount -t tmpfs probe "$1" && mkdir "$1/upper" "$1/work" "$1/root"
        mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" probe "$1/root"
        mount -t proc probe "$1/root/proc"' - "$work/probe" 2>&1); then
        machine_obstacle="namespaces or mounts are not to be had here (${reason##*$'\n'})"
        return 1
    fi
}

# Boots, and returns when the boot has settled. Half a second on an idle host, 40 s at most.
machine_boot() {
    machine_cgroup=$(mktemp --directory "$machine_cgroup_root/tallyd-e2e.XXXXXX")
    # mktemp keeps others out, and the service is one of the others: it reads its own figures in there.
    chmod 755 -- "$machine_cgroup"
    mkdir -p -- "$work/disk" "$work/root"
    # Its own group first, then the namespaces, so that the group is the root of what the machine sees. The clock on the outside ends
    # a machine that everybody has forgotten.
    # shellcheck disable=SC2016
    setsid timeout --signal=KILL "$machine_lifetime" bash -euc '
        echo 0 >"$1/cgroup.procs"
        exec unshare --mount --propagation private --pid --fork --kill-child=KILL --uts --ipc --net --cgroup \
            bash -euo pipefail "$2" "$3" "$4"' - "$machine_cgroup" "$here/e2e-parts/machine-init" "$work" "$machine_capabilities" \
        </dev/null >"$work/boot.log" 2>&1 &
    machine_keeper=$!
    local tenths state=''
    for ((tenths = 0; tenths < 400; tenths++)); do
        sleep 0.1
        if ! kill -0 "$machine_keeper" 2>/dev/null; then
            printf 'the machine died as it booted:\n' >&2
            cat -- "$work/boot.log" >&2
            return 1
        fi
        [[ -s $work/init && -d $machine_cgroup/init.scope ]] || continue
        state=$(inside systemctl is-system-running 2>/dev/null || true)
        if [[ $state == running || $state == degraded ]]; then return 0; fi
    done
    printf 'the machine did not come up within 40 s (state: %s)\n' "${state:-none}" >&2
    cat -- "$work/boot.log" >&2
    return 1
}

# Runs a command in the machine, with its exit status.
inside() {
    local init
    init=$(<"$work/init")
    # From the inside it joins the manager's own group; a process of another namespace in there would puzzle systemctl.
    # shellcheck disable=SC2016
    timeout --kill-after=5 120 nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
        setpriv --bounding-set="$machine_capabilities" \
        env --ignore-environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        SYSTEMD_PAGER= TERM=dumb \
        sh -c 'echo 0 >/sys/fs/cgroup/init.scope/cgroup.procs; exec "$@"' - "$@"
}

# Ends it, whatever state it is in, and takes its groups away. Safe to call twice, and when nothing was booted.
machine_end() {
    [[ -n ${machine_cgroup:-} && -d $machine_cgroup ]] || return 0
    local tenths
    # The kill reaches each process that is in the group, however it got there, and none that is not.
    printf '1\n' >"$machine_cgroup/cgroup.kill" 2>/dev/null || true
    if [[ -n ${machine_keeper:-} ]]; then
        kill -KILL "$machine_keeper" 2>/dev/null || true
        wait "$machine_keeper" 2>/dev/null || true
    fi
    for ((tenths = 0; tenths < 100; tenths++)); do
        find "$machine_cgroup" -depth -type d -exec rmdir -- {} + 2>/dev/null || true
        [[ -d $machine_cgroup ]] || return 0
        sleep 0.1
    done
    printf 'left behind, with processes in it: %s\n' "$machine_cgroup" >&2
    return 1
}
