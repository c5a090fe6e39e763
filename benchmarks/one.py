"""One benchmark in a process of its own, so that what it does to memory and caches, and how it dies, is its own affair.

python -m benchmarks.one NAME OPTIONS FILE    OPTIONS as JSON for ``measure``; the figures go to FILE as JSON
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def main(name: str, options: str, path: str) -> None:
    figures = importlib.import_module(f"benchmarks.{name}").measure(**json.loads(options))
    Path(path).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
