"""Noise that normalisation leaves behind, and attacks glued to honest requests.

Noise goes over attacks and honest texts alike, so that it is no sign of either.
"""

import dataclasses
import random

from . import SEED
from .rows import DIRECT

LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7+", "l": "1|", "g": "9", "b": "8"}
JOINS = (" ", " ", "\n", "\n\n", ". ", " - ", "; ", " then ", " and then ", ". Also, ", ". PS: ", "\n---\n", "... ", ". But first, ", ". Actually, ")


def leet(text, rng):
    share = rng.uniform(0.15, 0.7)
    return "".join(rng.choice(LEET[c.lower()]) if c.lower() in LEET and rng.random() < share else c for c in text)


def typos(text, rng):
    out = list(text)
    for _ in range(max(1, len(out) // rng.randint(12, 40))):
        i = rng.randrange(len(out))
        if out[i].isalpha():
            kind = rng.random()
            if kind < 0.4:
                out[i] = ""
            elif kind < 0.7:
                out[i] *= 2
            elif i + 1 < len(out):
                out[i], out[i + 1] = out[i + 1], out[i]
    return "".join(out)


def separated(text, rng):
    mark = rng.choice(("_", "-", ".", "*", "  ", " | ", "/"))
    return mark.join(text.split(" "))


def vowels_dropped(text, rng):
    return " ".join(word if len(word) < 4 or rng.random() < 0.4 else word[0] + "".join(c for c in word[1:] if c not in "aeiou") for word in text.split(" "))


def quoted(text, rng):
    before, after = rng.choice((('"', '"'), ("```\n", "\n```"), ("<<<", ">>>"), ("[", "]"), ("**", "**"), ("# ", ""), ("> ", ""), ("USER: ", ""), ("<p>", "</p>"), ("(", ")")))
    return before + text + after


KINDS = (leet, typos, typos, separated, vowels_dropped, quoted, quoted, quoted)


def noisy(rows, share, seed=SEED):
    """A noisy copy of some rows without spans."""
    rng = random.Random(seed)
    for row in rows:
        if row.trainable and not row.spans and 8 < len(row.text) < 900 and rng.random() < share:
            kind = rng.choice(KINDS)
            text = kind(row.text, rng)
            if text != row.text:
                yield dataclasses.replace(row, text=text, weight=row.weight * 0.7, category=f"noisy/{kind.__name__}", id=row.id + "+noise")


def glued(rows, count, seed=SEED):
    """An honest request with an attack before or behind it, and as many of two honest ones."""
    rng = random.Random(seed)
    fits = lambda r, most: r.trainable and r.kind == "user" and not r.spans and 10 < len(r.text) < most
    attacks = [r for r in rows if r.label in DIRECT and fits(r, 350)]
    honest = [r for r in rows if r.label in ("benign", "benign_hard") and 0 in r.heads.values() and "injection" in r.heads and fits(r, 350)]
    hard = [r for r in honest if r.label == "benign_hard"]
    for number in range(count):
        other = rng.choice(honest)
        row = rng.choice(attacks) if number % 2 else rng.choice(hard)
        first, last = (other, row) if rng.random() < 0.7 else (row, other)
        join = rng.choice(JOINS)
        text = first.text.rstrip() + join + last.text.lstrip()
        at = text.rfind(row.text.strip()) if last is row else 0
        spans = [[max(at, 0), max(at, 0) + len(row.text.strip())]] if row.label in DIRECT else []
        yield dataclasses.replace(row, text=text, spans=spans, category=f"glued/{row.label}", id=f"glued:{number}")
