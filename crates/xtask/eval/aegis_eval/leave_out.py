"""Reads the scores that training wrote for sources while they were left out of it."""

import json
import pathlib

from . import ATTACKS
from .scan import Verdict


def read(path):
    """Scores by id: JSON lines `{"id", "scores": {head: probability}}`."""
    with open(path, encoding="utf-8") as lines:
        return {d["id"]: d["scores"] for d in map(json.loads, lines)}


def verdicts(rows, scores, models):
    """The verdicts the shipped thresholds would give on those scores."""
    manifest = json.loads((pathlib.Path(models) / "manifest.json").read_text())
    heads, block = manifest["heads"], {}
    for kind, role in (("user", "user"), ("untrusted", "document")):
        block[role] = dict(zip(heads, manifest["thresholds"][kind]["block"]))
    out = {}
    for row in rows:
        asked = {head: p for head, p in scores[row.id].items() if p is not None and (head != "indirect_injection" or row.role == "document")}
        safe = all(p < block[row.role][head] for head, p in asked.items() if head in ATTACKS)
        out[row.id] = Verdict(safe, max([asked.get(head, 0.0) for head in ATTACKS]), asked)
    return out


def joined(rows, one, other):
    """As if both had checked."""
    return {
        row.id: Verdict(one[row.id].safe and other[row.id].safe, max(one[row.id].score, other[row.id].score), one[row.id].heads | other[row.id].heads)
        for row in rows
    }
