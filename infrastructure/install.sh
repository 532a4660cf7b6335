#!/usr/bin/env bash
# Install the pinned dependencies and every workspace member into a virtual environment.
# Uses uv when it is present, plain pip otherwise. usage: install.sh VENV MEMBER...
set -euo pipefail
venv=$1
shift
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "Ratchet needs Python 3.11 or newer; $("$python" --version) was found (set PYTHON=...)" >&2; exit 1; }
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
editables=()
for member in "$@"; do editables+=(-e "$member"); done
echo "Installing Ratchet into $venv (first time: a few minutes)"
if command -v uv >/dev/null; then
  export VIRTUAL_ENV=$venv
  uv pip install -q --compile-bytecode --require-hashes -r requirements/dev.txt
  uv pip install -q --no-deps --no-build-isolation "${editables[@]}"
else
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation "${editables[@]}"
fi
