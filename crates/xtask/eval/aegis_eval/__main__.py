"""`python -m aegis_eval`: scans the texts of a data folder and prints how good the checks are."""

import argparse
import collections
import pathlib

from . import leave_out, obfuscate, peers, report, rows, scan


def arguments():
    parser = argparse.ArgumentParser(prog="cargo xtask eval armor")
    parser.add_argument("--data", required=True, help="the folder of labelled texts (*.jsonl.gz)")
    parser.add_argument("--limit", type=int, help="at most so many texts of each label")
    parser.add_argument("--out-of-fold", help="scores that training wrote for left-out sources; only their texts are measured")
    parser.add_argument("--checks", nargs="+", choices=list(scan.CHECKS), default=list(scan.CHECKS), help="only these setups")
    parser.add_argument("--peer-texts", type=int, default=peers.TEXTS_DEFAULT, help="texts that the public detectors read")
    parser.add_argument("--models", required=True, help="a folder with other models than the shipped ones")
    # The rest is given by cargo xtask.
    parser.add_argument("--aegis", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--first-stage", help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peers", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    wanted = arguments()
    pathlib.Path(wanted.work).mkdir(parents=True, exist_ok=True)
    every = rows.read(wanted.data, rows.sources(wanted.models))
    scores = leave_out.read(wanted.out_of_fold) if wanted.out_of_fold else None
    if scores is not None:
        every = [row for row in every if row.id in scores]
    if wanted.limit:
        every = rows.limit(every, wanted.limit)
    describe(every)
    if scores is not None:
        left_out(every, scores, wanted)
    else:
        shipped(every, wanted)


def describe(every):
    count = collections.Counter((row.label, row.seen) for row in every)
    print("## Texts\n")
    print("`seen`: of sources the shipped models learnt from, or equal to such a text. Scanned as documents: what tools or other people wrote.\n")
    labels = sorted({label for label, _ in count})
    report.table(("label", "unseen", "seen"), [(label, count[label, False], count[label, True]) for label in labels])


def shipped(every, wanted):
    """The gateway's own verdicts."""
    setups = {name: scan.scan(every, name, wanted.aegis, wanted.work, wanted.models) for name in wanted.checks}
    unseen = [row for row in every if not row.seen]
    seen = [row for row in every if row.seen]
    print("## Unseen sources\n")
    print("No model learnt from them. Calibration and thresholds were fitted on a part of them, so that the figures as shipped flatter a little.\n")
    report.Measured(unseen, setups).everything()
    last = wanted.checks[-1]
    report.targets(unseen, last, setups[last])
    report.twins(every, setups)
    report.cry_wolf(every, setups)
    report.toxicity(every, setups)
    print("## Seen sources (no measure of quality)\n")
    report.Measured(seen, setups).everything()
    print("## Obfuscation: recall as shipped\n")
    obfuscated(every, wanted)
    if wanted.peers:
        compared(peers.subset(unseen, wanted.peer_texts), setups, wanted.peers)


def left_out(every, scores, wanted):
    """What the models said of each source while it was left out of training."""
    setups = {"semantic": leave_out.verdicts(every, scores, wanted.models)}
    if "pattern" in wanted.checks:
        setups = {"pattern": scan.scan(every, "pattern", wanted.aegis, wanted.work, wanted.models)} | setups
        setups["together"] = leave_out.joined(every, setups["pattern"], setups["semantic"])
    print("## Every source left out of training once\n")
    report.Measured(every, setups).everything()
    last = list(setups)[-1]
    report.targets(every, last, setups[last])
    report.twins(every, setups)
    report.cry_wolf(every, setups)
    report.toxicity(every, setups)


def obfuscated(every, wanted):
    texts = obfuscate.chosen(every)
    lines = []
    for form, write in obfuscate.FORMS.items():
        written = [rows.dataclasses.replace(row, id=f"{form}:{row.id}", text=write(row.text)) for row in texts]
        line = [form, len(written)]
        for name in wanted.checks:
            line.append(report.unsafe(written, scan.scan(written, name, wanted.aegis, wanted.work, wanted.models)))
        if wanted.first_stage:
            line += obfuscate.first_stage(written, wanted.first_stage, wanted.models)
        lines.append(line)
    stage = ["first stage, text normalised", "first stage, text as written"] if wanted.first_stage else []
    report.table(["form", "texts", *wanted.checks, *stage], lines)


def compared(texts, setups, folder):
    print(f"## Public detectors on the same {len(texts)} unseen texts\n")
    print("Their own thresholds are `as shipped`. Whether they learnt from these sources is not known; what is unseen here is so to AEGIS.\n")
    report.Measured(texts, setups | peers.run(texts, folder)).everything()


if __name__ == "__main__":
    main()
