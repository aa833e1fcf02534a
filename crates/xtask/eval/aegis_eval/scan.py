"""Runs `aegis scan` over texts with a policy of its own for each set of checks."""

import base64
import dataclasses
import json
import pathlib
import subprocess
import sys
import threading
import time

from . import ATTACKS

POLICY = """\
version: 1
listen:
  gateway: {{ address: 127.0.0.1:8080 }}
  admin: {{ address: 127.0.0.1:8081 }}
auth:
  development: {{ key_file: aegis-dev-key.json }}
roles:
  - {{ name: developer, routes: ["*"] }}
providers:
  - {{ name: openai, api: openai, base_url: "http://127.0.0.1:8090" }}
models:
  - {{ name: "gpt-*", provider: openai, roles: [developer] }}
armor:
  budget: {{ time_max: 60s }}
{armor}
output:
  pii: {{ entities: [pii], action: redact }}
audit:
  store: sqlite:aegis-audit.db
  durability: strict
"""
NO_PATTERN = "  pattern: { packs: [] }\n"
NO_CONTEXT = "  context: { roles: off, many_shot: 0 }\n"
SEMANTIC = "  semantic: {{ model: {folder}, public_key: {key} }}\n"
CHECKS = {
    "pattern": NO_CONTEXT,
    "semantic": NO_PATTERN + NO_CONTEXT + SEMANTIC,
    "together": SEMANTIC,
}
"""What the policy of each setup says below `armor`; `together` has every check on."""


@dataclasses.dataclass
class Verdict:
    safe: bool
    score: float
    """How sure it is of an attack: the highest of `scores`, in which all checks have their say; a threat's where there is none."""
    heads: dict


def verdict(answer):
    heads = {head: p for head, p in answer["scores"].items() if p is not None}
    assessed = [heads[head] for head in ATTACKS if head in heads]
    found = [threat["score"] for threat in answer["threats"] if threat["category"] != "toxicity"]
    return Verdict(answer["is_safe"], max(assessed or found, default=0.0), heads)


def scan(rows, checks, aegis, folder, models):
    """The verdict of each row, by id, with the models in a folder."""
    policy = pathlib.Path(folder) / f"{checks}.yaml"
    models = pathlib.Path(models).resolve()
    key = base64.b64encode((models / "signing.pub").read_bytes()).decode()
    armor = CHECKS[checks].replace(SEMANTIC, SEMANTIC.format(folder=json.dumps(str(models)), key=key))
    policy.write_text(POLICY.format(armor=armor.rstrip("\n")))
    process = subprocess.Popen(
        [aegis, "scan", "--config", policy], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )
    feed_lines(process.stdin, ({"id": row.id, "text": row.text, "role": row.role} for row in rows))
    out, began = {}, time.monotonic()
    for line in process.stdout:
        answer = json.loads(line)
        out[answer["id"]] = verdict(answer)
        if len(out) % 500 == 0 or len(out) == len(rows):
            progress(checks, len(out), len(rows), began)
    if process.wait() or len(out) != len({row.id for row in rows}):
        raise SystemExit(f"aegis scan ({checks}) gave {len(out)} answers to {len(rows)} texts")
    return out


def feed_lines(pipe, lines):
    """Writes JSON lines in a thread of its own, since the other end answers meanwhile."""

    def feed():
        try:
            with pipe:
                for line in lines:
                    pipe.write(json.dumps(line) + "\n")
        except BrokenPipeError:
            # It ended early; what it wrote tells why.
            pass

    threading.Thread(target=feed, daemon=True).start()


def progress(what, done, of, began):
    rate = done / max(1e-9, time.monotonic() - began)
    sys.stderr.write(f"\r{what}: {done}/{of} texts, {rate:.0f}/s, {(of - done) / rate:.0f} s left   " + ("\n" if done == of else ""))
    sys.stderr.flush()
