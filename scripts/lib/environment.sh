# Sourced by the scripts beside it: what they share about this machine and virtual environments.
# shellcheck shell=bash

say() {
    printf '%s\n' "==> $*" >&2
}

# Runs a command as root, through sudo where this user is not root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n --preserve-env=DOCKER_HOST,XDG_CACHE_HOME,HOME,DEBIAN_FRONTEND "$@"
    fi
}

can_be_root() {
    as_root true 2>/dev/null
}

# Installs Debian packages: install_packages NAME...
install_packages() {
    if ! command -v apt-get >/dev/null; then
        say "not a Debian system: install what corresponds to $* yourself"
        return 1
    fi
    if ! can_be_root; then
        say "not root, and no sudo without a password: apt-get install $*"
        return 1
    fi
    say "installing the Debian packages $*"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -qq
    as_root apt-get install -qq --no-install-recommends "$@" >/dev/null
}

# Makes or updates a virtual environment: make_environment FOLDER PIP_ARGUMENT...
# It is left alone when neither pyproject.toml nor the arguments have changed since.
make_environment() {
    local folder=$1 python=${PYTHON:-python3} wanted
    shift
    wanted=$("$python" --version; cat pyproject.toml; printf '%s\n' "$PWD" "$@")
    if [ "$wanted" = "$(cat "$folder/.made-from" 2>/dev/null)" ]; then
        return
    fi
    say "making the virtual environment $folder"
    rm -rf "$folder"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages python3-venv
    fi
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --upgrade pip
    "$folder/bin/python" -m pip install --quiet "$@"
    printf '%s\n' "$wanted" >"$folder/.made-from"
}
