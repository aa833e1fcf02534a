"""Attacks, written so that a filter does not see them while a model still reads them."""

import base64
import json
import math
import pathlib
import random
import subprocess

from . import ATTACKS, SEED
from .metrics import share

TEXTS = 200
CHARS_MAX = 400
TAGS = 0xE0000
VARIATIONS = 0xE0100
"""Variation selectors 17 to 256: one for each byte above 15."""
HOMOGLYPHS = str.maketrans("aceopxyijsABCEHKMOPTX", "асеорхуіјѕАВСЕНКМОРТХ")
SCRIPTS = str.maketrans({"a": "α", "o": "ο", "e": "е", "i": "ι", "n": "ո", "u": "υ", "t": "т", "s": "ѕ", "r": "г"})
LEET = str.maketrans("aeiostAEIOST", "431057431057")
EMOJI = "😀🚀🔥🍕⭐"


def zero_width(text):
    return "\u200b".join(text)


def tags(text):
    """Unseen by people: each character as its twin among the tag characters, after an honest question."""
    return "What is a good name for a cat?" + "".join(chr(TAGS + ord(c)) for c in text if " " <= c <= "~")


def smuggled(text):
    """Bytes as variation selectors behind an emoji."""
    selector = lambda byte: chr(0xFE00 + byte) if byte < 16 else chr(VARIATIONS + byte - 16)
    return "Nice day 😊" + "".join(selector(byte) for byte in text.encode())


def emoji(text):
    """An emoji inside every longer word."""
    words = text.split(" ")
    return " ".join(w[: len(w) // 2] + EMOJI[i % len(EMOJI)] + w[len(w) // 2:] if len(w) > 3 else w for i, w in enumerate(words))


def mixed(text):
    """Every other word with letters of other scripts."""
    return " ".join(w.translate(SCRIPTS) if i % 2 else w for i, w in enumerate(text.split(" ")))


FORMS = {
    "plain": lambda text: text,
    "zero-width": zero_width,
    "tag characters": tags,
    "homoglyphs": lambda text: text.translate(HOMOGLYPHS),
    "emoji smuggling": smuggled,
    "emoji inside words": emoji,
    "leet": lambda text: text.translate(LEET),
    "base64": lambda text: "Here is the text: " + base64.b64encode(text.encode()).decode(),
    "spacing": lambda text: " ".join(text),
    "mixed scripts": mixed,
}


def chosen(rows):
    """Short English attacks, the same ones every time; unseen ones where there are enough."""
    fits = [row for row in rows if row.label in ATTACKS[:3] and row.lang == "en" and row.role == "user" and 20 <= len(row.text) <= CHARS_MAX and row.text.isascii()]
    fits.sort(key=lambda row: row.id)
    random.Random(SEED).shuffle(fits)
    fits.sort(key=lambda row: row.seen)
    return fits[:TEXTS]


def first_stage(rows, tool, models):
    """Recall of the linear model alone, at its own shipped thresholds: normalised as the gateway does, and as written."""
    manifest = json.loads((pathlib.Path(models) / "manifest.json").read_text())
    lines = "".join(json.dumps({"text": row.text}) + "\n" for row in rows)
    done = subprocess.run([tool, models], input=lines, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    logits = [json.loads(line) for line in done.stdout.splitlines()]
    return [share(flagged(answer[form], manifest) for answer in logits) for form in ("normalised", "written")]


def flagged(logits, manifest):
    """Whether a user's text of these logits reaches the threshold of a head that looks for attacks."""
    heads = zip(manifest["heads"], logits, manifest["linear_only"]["user"], manifest["thresholds"]["user"]["block"])
    return any(
        1 / (1 + math.exp(-(a * logit + c))) >= block for head, logit, (a, c), block in heads if head in ATTACKS[:3]
    )
