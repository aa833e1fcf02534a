"""From logits to probabilities and thresholds, on texts of sources that no model was trained on.

1. A row's linear and encoder logits are those of its most suspicious window.
2. `combine` (both stages) and `linear_only` are logistic fits of each head's attacks against honest texts, every
   source weighing the same; `pool` says how much a long text's maximum overstates.
3. `block` is the lowest threshold at which honest texts stay within the false-positive bounds; `flag` one with bounds
   three times as wide.
4. `low` of the cascade is where at most LOST of the attacks above `block` would be cut off by the first stage.
"""

import collections

import numpy

from . import HEADS

ORDINARY_MAX, HARD_MAX, DOCUMENTS_MAX = 0.003, 0.035, 0.012
LOST = 0.005
TOXICITY_MAX = 0.01

# Which heads speak of what: a planted passage has its own head, which has learnt direct attacks, too.
ASKED = {"user": (0, 1, 2), "untrusted": (3,), "toxicity": (4,)}
LABELS = ("injection", "jailbreak", "extraction", "indirect_injection", "toxic")
SILENT = -20.0


def logistic(x, y, weights, ridge=1e-3, steps=60):
    """Newton's method; columns of x, then the constant."""
    x = numpy.column_stack((x, numpy.ones(len(x))))
    beta = numpy.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + numpy.exp(-numpy.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weights * (p - y)) + ridge * beta
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge * numpy.eye(len(beta))
        step = numpy.linalg.solve(hessian, gradient)
        beta -= step
        if numpy.abs(step).max() < 1e-6:
            break
    return beta


def balanced(sources, y):
    """Each source weighs the root of its size; attacks and honest texts weigh one to three."""
    counts = collections.Counter(zip(sources, y))
    weights = numpy.array([counts[key] ** -0.5 for key in zip(sources, y)])
    for value, share in ((0, 0.75), (1, 0.25)):
        weights[y == value] *= share / weights[y == value].sum()
    return weights * len(y)


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


def fit(texts, heads):
    """`combine` and `linear_only` of every head; heads that are not asked here say nothing."""
    combine = [[0.0, 0.0, SILENT] for _ in HEADS]
    alone = [[0.0, SILENT] for _ in HEADS]
    for head in heads:
        score = texts.linear[:, head] * 0.3 + texts.encoder[:, head]
        best = best_window(score, texts.row, len(texts.rows))
        use = numpy.flatnonzero((texts.honest | (texts.label == LABELS[head])) & (best >= 0))
        y = (texts.label[use] == LABELS[head]).astype(int)
        weights = balanced(texts.source[use], y)
        x = numpy.column_stack((texts.linear[best[use], head], texts.encoder[best[use], head]))
        a, b, c = logistic(x, y, weights)
        combine[head] = [max(float(a), 0.0), max(float(b), 0.0), float(c)]
        first = best_window(texts.linear[:, head], texts.row, len(texts.rows))
        a, c = logistic(texts.linear[first[use], head][:, None], y, weights)
        alone[head] = [float(a), float(c)]
    return combine, alone


def best_window(score, row, rows):
    best = numpy.full(rows, -1)
    for i in numpy.argsort(score):
        best[row[i]] = i
    return best


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


def threshold(p, texts, bounds, widen=1.0):
    """The lowest score that keeps every group of honest texts within its bound, sources weighing alike within it."""
    out = 0.05
    for label, bound in bounds:
        of = texts.label == label if label else texts.honest
        if of.sum() < 50:
            continue
        weights = numpy.array([collections.Counter(texts.source[of])[s] ** -0.5 for s in texts.source[of]])
        order = numpy.argsort(-p[of])
        share = numpy.cumsum(weights[order]) / weights.sum()
        cut = numpy.searchsorted(share, min(bound * widen, 0.5))
        out = max(out, float(p[of][order][min(cut, len(order) - 1)]) + 1e-4)
    return min(out, 0.999)


def choose_pool(texts, combine, alone, heads, bounds):
    """The penalty for length under which most attacks are found."""
    best = (0.0, -1.0)
    for pool in (0.0, 0.15, 0.3, 0.5, 0.7, 1.0):
        p, _ = probabilities(texts, combine, alone, pool, heads)
        found = (p[~texts.honest] >= threshold(p, texts, bounds)).mean()
        if found > best[1] + 0.002:
            best = (pool, found)
    return best[0]


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
