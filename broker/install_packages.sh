#!/usr/bin/env bash
# Installs what is missing of the Debian packages named in the given lists (one a line, # comments); does nothing, not
# even ask for root, when nothing is missing. Services that come along are not started; no recommended packages.
# Used by broker/run.sh, tests/run.sh. Exit code: that of apt.
set -euo pipefail

if ! command -v dpkg-query >/dev/null; then
  echo "This is no Debian system; install by hand what is in: $*" >&2
  exit 1
fi
# Names that an installed package stands for, such as npm where nodejs brings it along and refuses another one beside it.
provided=$(dpkg-query -W -f='${db:Status-Status} ${Provides}\n' | sed -e '/^installed /!d' -e 's/^installed //' -e 's/ *([^)]*)//g' -e 's/, /\n/g')
missing=()
while read -r package; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || grep -qxF "$package" <<<"$provided" || missing+=("$package")
done < <(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@")
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Missing, and neither root nor sudo to install them: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} packages: ${missing[*]}"

# Policy of Debian's invoke-rc.d: 101 = start nothing. Only while we install, and only if the machine has none.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)
"${apt[@]}" update </dev/null >/dev/null
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null
