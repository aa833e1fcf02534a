"""Plants instructions in documents, and wraps documents as tools return them.

Payloads: planted passages of our own, short direct attacks, and plain honest requests: whatever tells the
model what to do has no business in a document. Each composed document keeps its clean twin in the training
set, because its document is one of the benign rows.
"""

import json
import random

from . import SEED
from .rows import DIRECT, Row, heads_of

LEADS = (
    "", "", "", "", "", "\n\n", "\n", "Note: ", "P.S. ", "Important: ", "NB: ", "Additional instruction: ", "Task: ", "TODO: ", "Next: ",
    "One more thing: ", "AI: ", "Assistant, ", "System: ", "User: ", "Update: ", "Question: ", "Reminder: ", "Also, ", "By the way, ",
)
FIELDS = ("content", "body", "text", "result", "description", "notes", "summary", "message", "comment", "snippet", "page", "output")
DOCUMENT_CHARS = (200, 1600)
PAYLOAD_CHARS = (12, 420)


def cut(text, rng):
    """A piece of a document, on line or sentence borders where there are some."""
    low, high = DOCUMENT_CHARS
    if len(text) <= high:
        return text
    size = rng.randint(low, high)
    start = rng.randrange(0, len(text) - size)
    border = max(text.rfind("\n", 0, start), text.rfind(". ", 0, start)) + 1
    return text[border:border + size].strip()


def borders(text):
    """Where a passage can stand without cutting a sentence or line."""
    out = [0, len(text)]
    for mark in ("\n", ". ", "。", "? ", "! "):
        at = text.find(mark)
        while at >= 0:
            out.append(at + len(mark))
            at = text.find(mark, at + 1)
    return sorted(set(out))


def plant(document, payload, rng):
    """`document` with `payload` at its start, end or anywhere between, and the payload's place."""
    places = borders(document)
    at = rng.choices((places[0], places[-1], rng.choice(places)), (1, 1, 2))[0]
    before, after = document[:at], document[at:]
    lead = rng.choice(LEADS)
    glue = rng.choice((" ", "\n", "\n\n"))
    head = before + (glue if before and not before.endswith("\n") else "") + lead
    text = head + payload + (glue if after else "") + after
    return text, [len(head), len(head) + len(payload)]


def as_json(text, span, rng):
    """The text as a field of a tool's result; the span follows."""
    before = json.dumps({"id": rng.randrange(10**6), "status": "ok"})[:-1] + f', "{rng.choice(FIELDS)}": "'
    escape = lambda piece: json.dumps(piece, ensure_ascii=False)[1:-1]
    a, b = (len(escape(text[:end])) for end in span)
    return before + escape(text) + '"}', [len(before) + a, len(before) + b]


def clean_twins(rows, count, seed=SEED + 1):
    """The same handicraft without an attack: honest passages planted, documents wrapped."""
    rng = random.Random(seed)
    documents = [r for r in rows if is_clean(r) and len(r.text) > 120]
    passages = [r for r in rows if is_clean(r) and r.source.startswith("aegis/") and PAYLOAD_CHARS[0] <= len(r.text) <= PAYLOAD_CHARS[1]]
    for number in range(count if passages else 0):
        payload, document = rng.choice(passages), rng.choice(documents)
        text, span = plant(cut(document.text, rng), payload.text.strip(), rng)
        if rng.random() < 0.3:
            text, span = as_json(text, span, rng)
        yield Row(
            text=text, kind="untrusted", heads=heads_of("benign_hard", "untrusted"), source=payload.source, lang=payload.lang,
            label="benign_hard", category="composed/clean", id=f"composed-clean:{number}",
        )


def is_clean(row):
    return row.trainable and row.kind == "untrusted" and row.heads.get("indirect_injection") == 0


def compose(rows, count, seed=SEED):
    """`count` documents with a planted instruction, from the documents and payloads of `rows`."""
    rng = random.Random(seed)
    documents = [r for r in rows if is_clean(r) and len(r.text) > 120]
    fits = lambda r: PAYLOAD_CHARS[0] <= len(r.text) <= PAYLOAD_CHARS[1]
    planted = [r for r in rows if r.trainable and r.label == "indirect_injection" and r.source.startswith("aegis/") and not r.spans and fits(r)]
    attacks = [r for r in rows if r.trainable and r.label in DIRECT and fits(r)]
    requests = [r for r in rows if r.trainable and r.kind == "user" and r.label == "benign" and fits(r)
                and r.source in ("gpteacher", "self_instruct", "belle", "toolalpaca", "gsm8k", "awesome_prompts_zh", "poisonedrag")]
    pools = [(pool, share) for pool, share in ((planted, 0.5), (attacks, 0.25), (requests, 0.25)) if pool]
    for number in range(count):
        pool = rng.choices([p for p, _ in pools], [s for _, s in pools])[0]
        payload, document = rng.choice(pool), rng.choice(documents)
        text, span = plant(cut(document.text, rng), payload.text.strip(), rng)
        if rng.random() < 0.2:
            text, span = as_json(text, span, rng)
        yield Row(
            text=text, kind="untrusted", heads={"indirect_injection": 1}, source=payload.source, lang=payload.lang,
            weight=0.6 if pool is requests else 1.0, spans=[span], label="indirect_injection", category=f"composed/{payload.label}", id=f"composed:{number}",
        )
