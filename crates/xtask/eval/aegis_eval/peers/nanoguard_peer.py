"""metatronnanoguard: JSON lines `{"id", "text"}` in, `{"id", "score", "flagged"}` out."""

import json
import sys

from nanoguard import NanoGuard

BATCH = 8

guard = NanoGuard(device="cpu")
rows = [json.loads(line) for line in sys.stdin]
for at in range(0, len(rows), BATCH):
    part = rows[at:at + BATCH]
    for row, found in zip(part, guard.scan_batch([row["text"] for row in part])):
        print(json.dumps({"id": row["id"], "score": found.injection_score, "flagged": found.is_injection}), flush=True)
