#!/usr/bin/env bash
# Installs one Debian package where that can be done without asking: as root on Debian or Ubuntu. Elsewhere it says
# what to install and ends with 4 (something needed is missing).
#
#   deploy/debian-package.sh PACKAGE "What it is,"
set -euo pipefail
package=$1 what=$2

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  cat >&2 <<TEXT
$what was not found, and can't be installed from here.
  Debian, Ubuntu:  sudo apt install $package        macOS:  brew install ${package%-venv}
TEXT
  exit 4
fi
echo "installing $package"
# A server's package would start it, on a port open to all; what we need we start ourselves (policy-rc.d, 101: don't).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
install=(apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$package")
"${install[@]}" >/dev/null 2>&1 </dev/null || {
  apt-get update -qq </dev/null
  "${install[@]}" >/dev/null </dev/null
}
