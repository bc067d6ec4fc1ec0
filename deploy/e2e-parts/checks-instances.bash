# shellcheck shell=bash disable=SC2154
# The template: several databases on one host, each with its own settings, folders and secrets, beside tallyd.service.

instance_checks() {
    check 'two instances of the template run at once, beside tallyd.service' instances_run
    check 'each counts its own database, and both verify' instances_are_exact
    check "an instance may not write another's folder" instances_are_apart
    check 'stopping tallyd.service leaves the instances and their folders alone' instances_stay
    check 'uninstall stops the instances, too, and keeps their databases' uninstall_takes_instances
}

instance_database() {
    printf '/var/lib/tallyd-%s/usage.db' "$1"
}

instances_run() {
    local name zone
    for name in north south; do
        make_database "$(instance_database $name)" tallyd tallyd 5000
        # As the documented way has it: the folder is tallyd's, the file in it the gateway's.
        inside chown gateway:tallyd -- "$(instance_database $name)"
        zone=UTC
        if [[ $name == south ]]; then zone=Australia/Sydney; fi
        inside sh -c "echo TALLYD_TIMEZONE=$zone >/etc/tallyd/$name.env; chgrp tallyd /etc/tallyd/$name.env; chmod 640 /etc/tallyd/$name.env"
    done
    inside usermod --append --groups tallyd gateway
    inside sh -c 'install -d -m 700 /etc/tallyd/south.credentials; printf of-the-south >/etc/tallyd/south.credentials/probe'
    inside systemctl start tallyd@north tallyd@south
    for name in tallyd tallyd@north tallyd@south; do
        equal "the state of $name" active "$(property "$name.service" ActiveState)"
    done
}

instances_are_exact() {
    local name
    for name in north south; do
        equal "the owner of $name's database" 'gateway:tallyd 660' "$(inside stat --format='%U:%G %a' -- "$(instance_database $name)")"
        inside runuser --user=gateway -- sqlite3 -cmd '.timeout 5000' "$(instance_database $name)" \
            "INSERT INTO usage_logs (user_id, request_id, model) VALUES ('u', 'by-the-gateway', 'gpt-4o')"
        await 20 "every row of $name counted" all_is_counted "$(instance_database $name)"
    done
    as_tallyd tallyd rollup verify --database "$(instance_database north)"
    as_tallyd env TALLYD_TIMEZONE=Australia/Sydney tallyd rollup verify --database "$(instance_database south)"
}

instances_are_apart() {
    local north south
    north=$(main_process tallyd@north.service)
    south=$(main_process tallyd@south.service)
    inside nsenter --target "$north" --mount -- touch /var/lib/tallyd-north/probe
    refused inside nsenter --target "$north" --mount -- touch /var/lib/tallyd-south/probe
    refused inside nsenter --target "$north" --mount -- touch /srv/gateway/probe
    inside rm /var/lib/tallyd-north/probe
    inside nsenter --target "$south" --mount -- test -f /run/credentials/tallyd@south.service/tallyd_probe
    refused inside nsenter --target "$north" --mount -- test -f /run/credentials/tallyd@north.service/tallyd_probe
}

instances_stay() {
    inside systemctl stop tallyd
    local name
    for name in north south; do
        inside test -d "/run/tallyd-$name"
        equal "the state of $name" active "$(property "tallyd@$name.service" ActiveState)"
    done
    refused inside test -e /run/tallyd
}

uninstall_takes_instances() {
    inside systemctl enable tallyd@north
    inside /opt/e2e/deploy/uninstall --purge
    local name
    for name in north south; do
        refused has_state "tallyd@$name.service" active
        inside test -s "$(instance_database $name)"
    done
    refused inside test -e /etc/tallyd
    refused inside pgrep --exact tallyd
    inside test -s "$gateway_database"
}
