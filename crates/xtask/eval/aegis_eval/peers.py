"""Public detectors that carry their weights, on the same texts."""

import json
import math
import pathlib
import random
import subprocess
import time

from . import ATTACKS, BENIGN, SEED
from .scan import Verdict, feed_lines, progress

TEXTS_DEFAULT = 3000
HERE = pathlib.Path(__file__).parent


def subset(rows, most):
    """The texts that all are compared on, the same ones every time."""
    chosen = sorted((row for row in rows if not row.comment and row.label in ATTACKS + BENIGN), key=lambda row: row.id)
    random.Random(SEED).shuffle(chosen)
    return chosen[:most]


def commands(folder):
    """How each is run: JSON lines `{"id", "text"}` in, `{"id", "score", "flagged"}` out, in any order."""
    python, node = folder / "bin/python", HERE / "peers/llm_guardrail.mjs"
    return {
        "metatronnanoguard 0.1.0": [python, HERE / "peers/nanoguard_peer.py"],
        "prompt-guardrail 1.0.1": [python, HERE / "peers/guardify_peer.py"],
        "llm_guardrail 2.1.2": ["node", node, folder / "node_modules/llm_guardrail/index.js"],
    }


def run(rows, folder):
    """The verdicts of each peer, by name."""
    return {name: verdicts(name, command, rows) for name, command in commands(pathlib.Path(folder)).items()}


def verdicts(name, command, rows):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    feed_lines(process.stdin, ({"id": row.id, "text": row.text} for row in rows))
    out, began = {}, time.monotonic()
    for line in process.stdout:
        d = json.loads(line)
        # A score that is no number comes from a text the detector can't read: it finds nothing there.
        score = d["score"] if d["score"] is not None and math.isfinite(d["score"]) else 0.0
        out[d["id"]] = Verdict(not d["flagged"], score, {})
        if len(out) % 100 == 0 or len(out) == len(rows):
            progress(name, len(out), len(rows), began)
    if process.wait() or len(out) != len(rows):
        raise SystemExit(f"{name} gave {len(out)} answers to {len(rows)} texts")
    return out
