#!/usr/bin/env bash
# Installs the Debian and Ubuntu packages that a Qt window with OpenGL needs on a machine without a display.
# Says nothing when they are there; without root it names the missing ones and leaves the rest to the user.
set -euo pipefail

packages=(
    make xvfb xauth
    libgl1 libegl1 libglx-mesa0 libgl1-mesa-dri libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libglib2.0-0
    libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
    libxcb-shape0 libxcb-xinerama0 libxcb-xfixes0
)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && ! command -v xvfb-run >/dev/null; then
        echo "There is no display and no xvfb-run: install your system's package of Xvfb to run the windows." >&2
    fi
    exit 0
fi

python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)

# Newer releases carry libglib2.0-0 under another name that provides the old one, hence the Provides column.
# shellcheck disable=SC2016
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' | sed -n 's/^installed //p' \
    | tr -s ', ' '\n')
missing=()
for package in "${packages[@]}"; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Missing for windows without a display: sudo apt-get install ${missing[*]}" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null; then
    echo "Could not install ${missing[*]}: windows will not open without a display." >&2
fi
