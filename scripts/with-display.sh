#!/usr/bin/env bash
# Runs a command on the display there is, or on a virtual one: with-display.sh COMMAND [ARGUMENT]...
set -euo pipefail

if [ "$(uname)" != Linux ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$@"
fi
if ! command -v xvfb-run >/dev/null; then
    echo "There is no display and no xvfb-run: run scripts/system-packages.sh as root, or install Xvfb." >&2
    exit 1
fi
exec xvfb-run -a -s "-screen 0 1920x1200x24" "$@"
