"""Writes the manifest of a bundle and signs it (Ed25519, RFC 8032)."""

import datetime
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import HEADS
from .encoder import TOKENS_MAX

FILES = ("linear.bin", "encoder.onnx", "tokenizer.json")


def signing_key(path):
    """The key in `path` (raw 32 bytes, hex); a new one when there is none. It never belongs into the repository."""
    path = pathlib.Path(path)
    if not path.exists():
        raw = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(raw.hex())
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


def write(folder, key_file, settings, training, figures, version=None):
    """`manifest.json`, `manifest.sig` and `signing.pub` beside the model files in `folder`."""
    folder = pathlib.Path(folder)
    describe = lambda data: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    today = datetime.date.today()
    manifest = {
        "name": "prompt-armor",
        "version": version or today.strftime("%Y.%m.%d"),
        "licence": "Apache-2.0",
        "created": today.isoformat(),
        "heads": list(HEADS),
        "files": {name: describe((folder / name).read_bytes()) for name in FILES},
        "encoder": {"tokens_max": TOKENS_MAX, "unknown_max": settings["unknown_max"]},
        "cascade": settings["cascade"],
        "combine": settings["combine"],
        "linear_only": settings["linear_only"],
        "pool": settings["pool"],
        "thresholds": settings["thresholds"],
        "training": training,
        "figures": figures,
    }
    exact = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
    key = signing_key(key_file)
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    (folder / "manifest.json").write_bytes(exact)
    (folder / "manifest.sig").write_bytes(key.sign(exact))
    (folder / "signing.pub").write_bytes(public)
