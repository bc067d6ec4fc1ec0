# shellcheck shell=bash
# Named checks: each a line as it ends, the reason below it if it failed, and the sum at the end.
#
# A check is a function. It runs in a subshell under `set -e`, so its first failing command fails it; what it prints is shown only then.

passed=0
failed=0
skipped=0

# check NAME FUNCTION [ARGUMENTS…]
check() {
    local name=$1 output status=0
    shift
    output=$(mktemp)
    # In a condition bash would ignore `set -e` inside of the function, too; so the status is taken in a line of its own.
    set +e
    (
        set -euo pipefail
        "$@"
    ) >"$output" 2>&1
    status=$?
    set -e
    case $status in
        0)
            passed=$((passed + 1))
            printf 'pass  %s\n' "$name"
            ;;
        200)
            skipped=$((skipped + 1))
            printf 'SKIP  %s: %s\n' "$name" "$(tail -n 1 -- "$output")"
            ;;
        *)
            failed=$((failed + 1))
            printf 'FAIL  %s\n' "$name"
            tail -n 25 -- "$output" | sed 's/^/        /'
            printf '        (status %d)\n' "$status"
            ;;
    esac
    rm -f -- "$output"
}

# Ends a check as skipped.
skip() {
    printf '%s\n' "$*"
    exit 200
}

# Ends a check as failed.
wrong() {
    printf '%s\n' "$*"
    exit 1
}

# equal WHAT EXPECTED FOUND
equal() {
    [[ $2 == "$3" ]] || wrong "$1 should be \"$2\" and is \"$3\""
}

# refused COMMAND…: it must fail.
refused() {
    if "$@"; then wrong "should have failed: $*"; fi
}

# await SECONDS WHAT COMMAND…: asks ten times a second until the command succeeds.
await() {
    local seconds=$1 what=$2
    shift 2
    local deadline=$((SECONDS + seconds + 1))
    until "$@"; do
        ((SECONDS < deadline)) || wrong "waited $seconds s for this: $what"
        sleep 0.1
    done
}

# The closing line. The status says whether all went well.
summary() {
    local text="$passed passed, $failed failed"
    if ((skipped)); then text+=", $skipped skipped"; fi
    printf '%s\n' "$text"
    ((failed == 0 && passed > 0))
}
