#!/usr/bin/env bash
# Makes .cache/interop-venv, the Python environment with the real MADSci client. Does nothing when it is there and up to date.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
venv="$root/.cache/interop-venv"
python="${PYTHON:-python3}"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  echo "The interop tests need Python 3.10 or newer as python3; PYTHON=path names another." >&2
  exit 1
fi

wanted="$(cat "$here/requirements.txt" "$here/constraints.txt" <("$python" -VV) | cksum)"
if [ "$(cat "$venv/.made-of" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

echo "Making $venv ..." >&2
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --requirement "$here/requirements.txt" --constraint "$here/constraints.txt"
echo "$wanted" > "$venv/.made-of"
