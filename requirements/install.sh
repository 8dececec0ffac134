#!/usr/bin/env bash
# Installs the locked CPU environment: install.sh PYTHON VENV
# --no-deps, because the lock file is complete and leaves out what breaks imports (see overrides.txt).
set -euo pipefail
python=$1 venv=$2
here=$(cd "$(dirname "$0")" && pwd)
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || {
  echo "clinsynth needs Python 3.11 to 3.13, found $("$python" --version)" >&2
  exit 1
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip=("$venv/bin/python" -m pip --disable-pip-version-check install --no-deps --quiet)
torch=$(grep -E '^torch==' "$here/cpu.txt")
# The CPU build of torch is not on PyPI: take it where this machine is set up to find it, else from PyTorch.
"${pip[@]}" "$torch" 2>/dev/null || "${pip[@]}" --index-url https://download.pytorch.org/whl/cpu "$torch"
DS_BUILD_OPS=0 "${pip[@]}" -r "$here/cpu.txt"
"${pip[@]}" -e "$here/.."
# Imports, not `pip check`: that one is clean even when these fail.
"$venv/bin/python" - <<'PYTHON'
import transformers, deepspeed, tokenizers, presidio_analyzer  # noqa: F401
PYTHON
