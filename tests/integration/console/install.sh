#!/usr/bin/env bash
# Brings the npm packages of package-lock.json, exactly those, from the registry that this machine's npm is set up for into
# FOLDER/node_modules; does nothing when they are there. Nothing of them is run while they are installed.
# usage: install.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: install.sh FOLDER}
mkdir -p "$folder"
cd "$folder"
if [ -d node_modules ] && cmp -s "$here/package-lock.json" installed.json; then exit 0; fi
rm -f installed.json
cp "$here/package.json" "$here/package-lock.json" .
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
cp package-lock.json installed.json
