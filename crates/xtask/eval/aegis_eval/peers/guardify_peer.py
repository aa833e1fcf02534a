"""prompt-guardrail: JSON lines `{"id", "text"}` in, `{"id", "score", "flagged"}` out."""

import json
import sys
import warnings

# Its model was saved by another version of scikit-learn, which says so for every text.
warnings.filterwarnings("ignore")

import guardify

for line in sys.stdin:
    row = json.loads(line)
    found = guardify.detect(row["text"])
    flagged = found["label"] == "injection"
    # Its score is that of the label it gives.
    score = found["score"] if flagged else 1.0 - found["score"]
    print(json.dumps({"id": row["id"], "score": score, "flagged": flagged}), flush=True)
