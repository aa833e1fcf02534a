"""From logits to probabilities and thresholds, on texts of sources that no model was trained on.

1. A row's linear and encoder logits are those of its most suspicious window.
2. `combine` (both stages), `linear_only` and `pool` put an even chance of each head where honest texts end.
3. `block` is the lowest threshold at which honest texts stay within the false-positive bounds; `flag` one with bounds
   three times as wide.
4. `low` of the cascade is where at most LOST of the attacks above `block` would be cut off by the first stage.
"""

import collections

import numpy

from . import HEADS

ORDINARY_MAX, HARD_MAX, DOCUMENTS_MAX = 0.003, 0.035, 0.012
LOST = 0.005
COUNTED_MIN = 200
"""A smaller source weighs as if it had so many texts: four odd ones must not set a threshold."""

TOXICITY_MAX = 0.01

# Which heads speak of what: a planted passage has its own head, which has learnt direct attacks, too.
ASKED = {"user": (0, 1, 2), "untrusted": (3,), "toxicity": (4,)}
LABELS = ("injection", "jailbreak", "extraction", "indirect_injection", "toxic")
SILENT = -20.0

SLOPE, SLOPE_ALONE = 0.4, 0.7
"""How fast a logit becomes sure beyond the end of the honest texts."""

PENALTIES = (0.0, 0.5, 1.0, 1.5, 2.0)
SHARES = (0.0, 0.25, 0.5, 1.0, 2.0)


def sigmoid(x):
    return 1 / (1 + numpy.exp(-numpy.clip(x, -30, 30)))


def logit(p):
    p = numpy.clip(p, 1e-6, 1 - 1e-6)
    return numpy.log(p / (1 - p))


def greatest(values, row, rows):
    out = numpy.full((rows, values.shape[1]), -100.0)
    numpy.maximum.at(out, row, values)
    return out


class Texts:
    """Rows of one kind with their windows' logits."""

    def __init__(self, rows, row, linear, encoder):
        self.rows, self.row, self.linear, self.encoder = rows, row, linear, encoder
        self.label = numpy.array([r.label for r in rows])
        self.source = numpy.array([r.source for r in rows])
        self.honest = numpy.isin(self.label, ("benign", "benign_hard"))
        self.windows = numpy.bincount(row, minlength=len(rows))


def fit(texts, heads, bounds, penalties=PENALTIES):
    """`combine`, `linear_only` and `pool`; heads that are not asked here say nothing.

    A logistic fit of each head came first and ranked worse: held-out attacks are a mixture of plain ones and of ones that no
    model finds, and the latter flatten the slope. So each head's even chance is put where honest texts end, and the share of the
    linear model and the penalty for length are those under which most attacks lie beyond.
    """
    best = (-1.0, None)
    for penalty in penalties:
        found, combine, alone = 0.0, [[0.0, 0.0, SILENT] for _ in HEADS], [[0.0, SILENT] for _ in HEADS]
        for head in heads:
            linear, encoder = texts.linear[:, head], texts.encoder[:, head]
            tails = [(*tail(texts, encoder + share * linear, LABELS[head], penalty, bounds), share) for share in SHARES]
            beyond, end, share = max(tails)
            found += beyond
            combine[head] = [SLOPE * share, SLOPE, -SLOPE * end]
            alone[head] = [SLOPE_ALONE, -SLOPE_ALONE * tail(texts, linear, LABELS[head], 0.0, bounds)[1]]
        if found > best[0] + 0.002:
            best = (found, (combine, alone, SLOPE * penalty))
    return best[1]


def tail(texts, score, label, penalty, bounds):
    """Which share of the attacks lies beyond the honest texts, each source weighing alike, and where those end."""
    of_text = greatest(score[:, None], texts.row, len(texts.rows))[:, 0] - penalty * numpy.log(numpy.maximum(texts.windows, 1))
    end = threshold(of_text, texts, bounds)
    attacks = texts.label == label
    shares = [(of_text[attacks & (texts.source == source)] >= end).mean() for source in sorted(set(texts.source[attacks]))]
    return float(numpy.mean(shares)), end


def probabilities(texts, combine, alone, pool, heads, low=None, high=None, windows_max=None):
    """What the gateway would say: the cascade of crates/semantic/src/cascade.rs."""
    combine, alone = numpy.array(combine), numpy.array(alone)
    first = sigmoid(texts.linear * alone[:, 0] + alone[:, 1])
    both = sigmoid(texts.linear * combine[:, 0] + texts.encoder * combine[:, 1] + combine[:, 2])
    read = numpy.ones(len(first), bool)
    settled = numpy.zeros((len(texts.rows), len(HEADS)), bool)
    top = greatest(first, texts.row, len(texts.rows))
    if low is not None:
        settled = top >= numpy.array(high)
        asked = numpy.zeros(len(HEADS), bool)
        asked[list(heads)] = True
        suspicious = (first >= numpy.array(low)) & asked & ~settled[texts.row]
        read = suspicious.any(1)
        if windows_max is not None:
            read &= rank(numpy.where(suspicious, first, 0).max(1), texts.row) < windows_max
    p = greatest(numpy.where(read[:, None], both, first), texts.row, len(texts.rows))
    p = numpy.where(settled, top, p)
    p = sigmoid(logit(p) - pool * numpy.log(numpy.maximum(texts.windows, 1))[:, None])
    return p[:, list(heads)].max(1), read


def rank(score, row):
    """The place of each window among those of its text, the highest score first."""
    order = numpy.lexsort((-score, row))
    out = numpy.empty(len(score), int)
    starts = numpy.r_[True, row[order][1:] != row[order][:-1]]
    at = numpy.arange(len(order))
    out[order] = at - numpy.maximum.accumulate(numpy.where(starts, at, 0))
    return out


def threshold(score, texts, bounds, widen=1.0):
    """The lowest score that keeps every group of honest texts within its bound; sources weigh the root of their size."""
    out = -numpy.inf
    for label, bound in bounds:
        of = texts.label == label if label else texts.honest
        if not of.any():
            continue
        counts = collections.Counter(texts.source[of])
        weights = numpy.array([max(counts[s], COUNTED_MIN) ** -0.5 for s in texts.source[of]])
        order = numpy.argsort(-score[of])
        share = numpy.cumsum(weights[order]) / weights.sum()
        cut = numpy.searchsorted(share, min(bound * widen, 0.5))
        out = max(out, float(score[of][order][min(cut, len(order) - 1)]) + 1e-4)
    return out


def cascade(texts, combine, alone, pool, heads, block, share=LOST):
    """`low` and `high`: the first stage clears a text alone where that loses hardly any attack that both would block."""
    first = sigmoid(texts.linear * numpy.array(alone)[:, 0] + numpy.array(alone)[:, 1])
    p, _ = probabilities(texts, combine, alone, pool, heads)
    top = greatest(first, texts.row, len(texts.rows))[:, list(heads)].max(1)
    found = (~texts.honest) & (p >= block)
    low = float(numpy.quantile(top[found], share)) if found.any() else 0.01
    # Attacks are rare: reading every suspicious window costs little, and no verdict rests on the first stage alone.
    five = lambda x: [round(min(max(x, 0.0), 0.9999), 5)] * len(HEADS)
    return five(min(low, 0.5)), five(0.9999)
