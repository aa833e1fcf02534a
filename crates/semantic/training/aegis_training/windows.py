"""Cuts rows into the windows the gateway will see, by the gateway's own code, and labels each window."""

import dataclasses
import json
import pathlib
import subprocess

import numpy

from . import HEADS

COVERED_MIN = 0.6
"""A window over at least so much of a planted passage (or full of it) is positive; one over less of it teaches nothing."""

LATER_WEIGHT = 0.5
"""Weight of each window of a long attack: not every part of it is an attack."""


@dataclasses.dataclass
class Windows:
    row: numpy.ndarray
    """Which row a window belongs to."""
    texts: list
    """Normalised text."""
    indptr: numpy.ndarray
    buckets: numpy.ndarray
    """Features of window i: buckets[indptr[i]:indptr[i + 1]]."""
    labels: numpy.ndarray
    """[windows, heads], 1, 0, or -1 where nothing is learnt."""
    weights: numpy.ndarray
    spans: list

    def __len__(self):
        return len(self.texts)


def cut(rows, tool, folder):
    """Runs `tool` (examples/features.rs) over the rows."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts, features = folder / "windows.jsonl", folder / "features.bin"
    process = subprocess.Popen([tool, texts, features], stdin=subprocess.PIPE)
    for row in rows:
        process.stdin.write(json.dumps({"text": row.text}, ensure_ascii=False).encode() + b"\n")
    process.stdin.close()
    if process.wait():
        raise SystemExit(f"{tool} failed")
    row, start, end, pieces = [], [], [], []
    with texts.open(encoding="utf-8") as lines:
        for line in lines:
            r, s, e, text = json.loads(line)
            row.append(r), start.append(s), end.append(e), pieces.append(text)
    raw = numpy.fromfile(features, dtype=numpy.uint32)
    counts, keep, at = numpy.empty(len(pieces), numpy.int64), numpy.ones(len(raw), bool), 0
    for i in range(len(pieces)):
        counts[i] = raw[at]
        keep[at] = False
        at += 1 + int(raw[at])
    indptr = numpy.concatenate(([0], numpy.cumsum(counts)))
    windows = Windows(numpy.array(row), pieces, indptr, raw[keep].astype(numpy.int32), None, None, list(zip(start, end)))
    label(windows, rows)
    return windows


def label(windows, rows):
    per_row = numpy.bincount(windows.row, minlength=len(rows))
    windows.labels = numpy.full((len(windows), len(HEADS)), -1, numpy.int8)
    windows.weights = numpy.ones(len(windows), numpy.float32)
    spans = [[[len(row.text[:s].encode()), len(row.text[:e].encode())] for s, e in row.spans] for row in rows]
    for i, r in enumerate(windows.row):
        row = rows[r]
        labels = dict(row.heads)
        weight = row.weight
        if spans[r]:
            covered = max(share(windows.spans[i], span) for span in spans[r])
            if covered == 0:
                # What surrounds a planted passage is as honest as before.
                labels = {"indirect_injection": 0} if row.kind == "untrusted" else {}
            elif covered < COVERED_MIN:
                labels = {}
        elif per_row[r] > 1 and 1 in labels.values():
            weight *= LATER_WEIGHT
        for head, value in labels.items():
            windows.labels[i, HEADS.index(head)] = value
        windows.weights[i] = weight


def share(window, span):
    """How much of the span the window covers, or of the window the span, whichever is more."""
    both = min(window[1], span[1]) - max(window[0], span[0])
    return max(0, both) / max(1, min(span[1] - span[0], window[1] - window[0]))
