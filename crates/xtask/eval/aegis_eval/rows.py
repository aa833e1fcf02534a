"""The labelled texts of the data folder, each with the role it is scanned in."""

import collections
import dataclasses
import gzip
import json
import pathlib
import random

from aegis_training import rows as training

from . import SEED


@dataclasses.dataclass
class Row:
    id: str
    text: str
    role: str
    """`document` where tools or people other than the user wrote it, else `user`."""
    label: str
    source: str
    lang: str
    category: str
    seen: bool
    """Whether the shipped models learnt from its source."""
    pair: str | None
    comment: bool
    """From the files about toxicity: says nothing on attacks."""


def sources(models):
    """The sources that the models in the folder learnt from, as their manifest says."""
    manifest = json.loads((pathlib.Path(models) / "manifest.json").read_text())
    return {source["name"] for source in manifest["training"].get("sources", [])}


def read(folder, taught_sources):
    """All texts with a label that fits; training's own rules say which fit and what is a document."""
    rows, taught = [], set()
    for name in training.FILES:
        with gzip.open(pathlib.Path(folder) / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                d = json.loads(line)
                as_trained = training.shared_row(d, name)
                if as_trained is None or not d["text"].strip():
                    continue
                # A placeholder names no sources; then the licence tells.
                seen = as_trained.trainable and (not taught_sources or as_trained.source in taught_sources)
                if seen:
                    taught.add(training.key(d["text"]))
                rows.append(Row(
                    id=d["id"], text=d["text"], role="document" if as_trained.kind == "untrusted" else "user", label=d["label"],
                    source=d["source"], lang=d["lang"], category=d.get("category") or "", seen=seen,
                    pair=d.get("pair"), comment=name == "toxicity",
                ))
    # A copy of a text that was learnt from is no unseen text, whatever source it comes by.
    for row in rows:
        row.seen = row.seen or training.key(row.text) in taught
    return rows


def limit(rows, most):
    """At most so many rows of each label, seen and unseen alike, the same ones every time; pairs stay whole."""
    rng = random.Random(SEED)
    groups = collections.defaultdict(list)
    for row in sorted(rows, key=lambda row: row.id):
        groups[row.label, row.seen, row.comment].append(row)
    kept = []
    for _, group in sorted(groups.items()):
        rng.shuffle(group)
        kept.extend(group[:most])
    pairs = {row.pair for row in kept if row.pair and row.label == "indirect_injection"}
    ids = {row.id for row in kept}
    return kept + [row for row in rows if row.id not in ids and row.pair in pairs and row.label == "benign"]
