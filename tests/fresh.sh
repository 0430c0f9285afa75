#!/usr/bin/env bash
# Runs both README commands, broker/run.sh and tests/run.sh, on a Debian 12 that has nothing: a debootstrap of the minimal
# variant in a temporary directory, mirror and proxy as this machine's apt has them, and a fresh clone of what is
# committed here. Needs root, about 4 GiB of disk, and network for the packages. Arguments go to tests/run.sh inside.
# Called by `tests/run.sh --fresh`. Exit: 0 when both commands succeeded.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=bookworm

[ "$(id -u)" -eq 0 ] || { echo "tests/fresh.sh: needs root, to make and enter another root directory" >&2; exit 1; }
command -v debootstrap >/dev/null || broker/install_packages.sh <(echo debootstrap)
mirror=$(apt-get indextargets --format '$(RELEASE) $(SITE)' | awk -v suite=$suite '$1 == suite { print $2; exit }')
[ -n "$mirror" ] || { echo "tests/fresh.sh: this machine's apt knows no mirror of $suite" >&2; exit 1; }

root=$(mktemp -d "${TMPDIR:-/var/tmp}/prismbus-fresh-XXXXXX")
leave() {
  local mounted
  for mounted in dev/shm dev/pts dev proc; do
    if mountpoint -q "$root/$mounted"; then umount -l "$root/$mounted"; fi
  done
  rm -rf --one-file-system "$root"
}
trap leave EXIT

echo "== a bare $suite"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
apt-config dump | grep -iE '^Acquire::https?::' >"$root/etc/apt/apt.conf.d/90machine" || true
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
git clone -q --no-local . "$root/srv/prismbus"

# inside COMMAND...: in the clone, with an empty environment.
inside() {
  echo "== inside: $*"
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/srv LANG=C.UTF-8 \
    bash -c 'cd /srv/prismbus && exec "$@"' bash "$@" </dev/null
}
started=$SECONDS
inside broker/run.sh
echo "== broker/run.sh took $((SECONDS - started)) s, packages and build included"
started=$SECONDS
inside tests/run.sh "$@"
echo "== tests/run.sh took $((SECONDS - started)) s, packages and build included"
