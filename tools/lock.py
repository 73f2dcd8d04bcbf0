"""Writes requirements/*.txt: every version and hash of the base install, of training, and of the tests.

    python tools/lock.py [--upgrade]

Needs uv, which nothing else does. Versions that still fit stay; --upgrade takes the newest ones. The files name no
package index: whoever installs uses their own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "base": ["pyproject.toml"],
    "train": ["pyproject.toml", "--extra", "train"],
    "test": ["pyproject.toml", "--extra", "train", "--group", "test"],
    "tools": ["--group", "pyproject.toml:test", "--constraints", "requirements/base.txt"],  # on top of base
}


def main() -> None:
    """Resolves each lock for Python 3.11."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    uv = shutil.which("uv", path=os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".venv" / "bin")]))
    if uv is None:
        sys.exit("error: uv is not installed. Type: pip install uv")
    for name, what in LOCKS.items():
        target = ROOT / "requirements" / f"{name}.txt"
        command = [uv, "pip", "compile", *what, "--python-version", "3.11", "--generate-hashes", *upgrade]
        quiet = ["--no-emit-index-url", "--no-header", "--no-annotate", "--quiet"]
        files = ["--constraints", "requirements/constraints.in", "--output-file", str(target)]
        subprocess.run([*command, *quiet, *files], cwd=ROOT, check=True)
        print(f"Wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
