# Sourced by scripts/test: a Docker daemon of our own, which touches no other daemon and no firewall.
# shellcheck shell=bash

# Starts dockerd with its data, socket and network bridge apart from everything else, and exports
# DOCKER_HOST. Call stop_docker afterwards, whether it worked or not.
start_docker() {
    docker_folder=$(mktemp -d "${TMPDIR:-/tmp}/alembic-proof-docker-XXXXXX")
    docker_bridge=aproof$$
    docker_daemon=
    local subnet driver
    subnet=10.$((200 + $$ % 50)).$(($$ / 50 % 250)).1/24
    as_root ip link add name "$docker_bridge" type bridge || return
    as_root ip address add "$subnet" dev "$docker_bridge"
    as_root ip link set "$docker_bridge" up
    export DOCKER_HOST=unix://$docker_folder/docker.sock
    export TESTCONTAINERS_RYUK_DISABLED=true
    for driver in overlay2 vfs; do
        say "starting a Docker daemon (storage driver $driver)"
        start_daemon "$driver" && return
    done
    say "the Docker daemon does not start:"
    tail -n 5 "$docker_folder/dockerd.log" >&2
    return 1
}

# Published ports go through docker's own proxy, so no firewall rule is needed: rules would be
# shared with any other daemon on this machine.
start_daemon() {
    as_root setsid dockerd \
        --host "$DOCKER_HOST" \
        --group "$(id -gn)" \
        --data-root "$docker_folder/data" \
        --exec-root "$docker_folder/exec" \
        --pidfile "$docker_folder/docker.pid" \
        --storage-driver "$1" \
        --bridge "$docker_bridge" \
        --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
        >"$docker_folder/dockerd.log" 2>&1 &
    docker_daemon=$!
    for _ in $(seq 150); do
        docker info >/dev/null 2>&1 && return
        kill -0 "$docker_daemon" 2>/dev/null || return
        sleep 0.2
    done
    return 1
}

unmount_below() {
    local mounted
    while read -r _ mounted _; do
        case $mounted in
            "$1"/*) as_root umount --lazy "$mounted" || true ;;
        esac
    done < <(tac /proc/self/mounts)
}

stop_docker() {
    [ -n "${docker_folder:-}" ] || return 0
    if [ -n "$docker_daemon" ] && [ -s "$docker_folder/docker.pid" ]; then
        as_root kill "$(cat "$docker_folder/docker.pid")" || true
        wait "$docker_daemon" || true
    fi
    as_root ip link delete "$docker_bridge" 2>/dev/null || true
    # dockerd mounts its data folder on itself where mounts are shared with the system's.
    unmount_below "$docker_folder"
    as_root rm -rf "$docker_folder"
}
