# shellcheck shell=bash
# What the scripts here share. Sourced, with the clone as the current folder.

# Survives the clone, so that a second clone or a run in CI need not fetch and build everything again.
# tests/servers/src/tools.rs looks for the tools in the same place.
LINJU_CACHE_FOLDER="${LINJU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/linju}"
TOOLS="$LINJU_CACHE_FOLDER/tools"

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }
die() {
    complain "$(basename "$0"): $*"
    exit 1
}

# The comment at the head of a script is its help.
print_help() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "scripts/$(basename "$0")"; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# The folder of the newest Postgres with a server, or nothing.
postgres_bin() {
    local folder
    if [ -n "${LINJU_PG_BIN:-}" ]; then
        say "$LINJU_PG_BIN"
        return
    fi
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        if [ -x "$folder/postgres" ]; then
            say "$folder"
            return
        fi
    done
    if command -v postgres >/dev/null; then dirname "$(command -v postgres)"; fi
}

# The program nats-server, or nothing.
nats_program() {
    if [ -n "${LINJU_NATS_SERVER:-}" ]; then
        say "$LINJU_NATS_SERVER"
    elif [ -x "$TOOLS/bin/nats-server" ]; then
        say "$TOOLS/bin/nats-server"
    else
        command -v nats-server || true
    fi
}

# Tries ports from $1 on until one is free on 127.0.0.1, and prints it.
free_port_from() {
    python3 - "$1" <<'PYTHON'
import socket, sys
for port in range(int(sys.argv[1]), 65536):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(port)
        break
PYTHON
}
