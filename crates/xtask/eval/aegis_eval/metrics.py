"""AUC, recall at a rate of false positives, shares. A text is flagged by a cut when its score is above it."""


def auc(negatives, positives):
    """How often a random positive scores above a random negative; a tie counts half. None without both."""
    if not negatives or not positives:
        return None
    ranked = sorted([(score, 0) for score in negatives] + [(score, 1) for score in positives])
    ranks, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        # All of a tie get the mean of their ranks, which count from one.
        ranks += sum(positive for _, positive in ranked[at:end]) * (at + end + 1) / 2
        at = end
    n, m = len(negatives), len(positives)
    return (ranks - m * (m + 1) / 2) / (n * m)


def cut_at(negatives, rate):
    """The lowest cut above which no more than `rate` of `negatives` score."""
    allowed = int(rate * len(negatives))
    if allowed >= len(negatives):
        return float("-inf")
    return sorted(negatives, reverse=True)[allowed]


def share(flags):
    """The share that is true; None of nothing."""
    flags = list(flags)
    return sum(flags) / len(flags) if flags else None
