#!/usr/bin/env bash
# Makes .cache/faketime, a folder with libfaketime for the tests of clocks that jump, from a Python package. Does nothing when it is there.
# The library is only loaded in tests; it is no part of what is shipped.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
folder="$root/.cache/faketime"
package="libfaketime==3.0.1" # libfaketime 0.9.10
python="${PYTHON:-python3}"

if [ "$(cat "$folder/.made-of" 2>/dev/null)" = "$package" ]; then exit 0; fi

rm -rf "$folder"
mkdir -p "$folder"
"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: --target "$folder" "$package"
rm -rf "$folder/venv"
echo "$package" >"$folder/.made-of"
