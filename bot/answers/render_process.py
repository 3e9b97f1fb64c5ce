"""Entry point of the process that renders one file; started by path, never imported.

It runs with `python -P`, so neither the working directory nor PYTHONPATH's relative entries decide
which `bot` is imported: it is the one that this file belongs to.
"""

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from bot.answers.file_worker import main  # noqa: E402 - only now it is known where it is

if __name__ == "__main__":
    main()
