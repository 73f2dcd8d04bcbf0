"""Writes requirements/*.txt: every version and hash of the base install, of training, and of the tests.

    python tools/lock.py

Needs uv, which nothing else does. The files name no package index: whoever installs uses their own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "base": [],
    "train": ["--extra", "train"],
    "test": ["--extra", "train", "--group", "test"],
}


def main() -> None:
    """Resolves each lock for Python 3.11."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if not Path(uv).exists():
        sys.exit("error: uv is not installed. Type: pip install uv")
    for name, extras in LOCKS.items():
        target = ROOT / "requirements" / f"{name}.txt"
        command = [uv, "pip", "compile", "pyproject.toml", *extras, "--python-version", "3.11", "--generate-hashes"]
        options = ["--no-emit-index-url", "--no-header", "--no-annotate", "--quiet", "--output-file", str(target)]
        subprocess.run([*command, *options], cwd=ROOT, check=True)
        print(f"Wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
