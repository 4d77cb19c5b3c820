"""Next words from a saved demo model: ``python -m gatework.demo.predict FOLDER PROMPT...``.

Prints JSON: for each prompt the five likeliest next words with their probabilities.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .artifacts import load, predictions

if __name__ == "__main__":
    json.dump(predictions(*load(Path(sys.argv[1])), sys.argv[2:]), sys.stdout)
    print()
