"""Trains the first stage: logistic regression over hashed n-grams, all heads at once."""

import struct

import numpy
import torch

from . import HEADS, SEED

BUCKETS = 1 << 20
BATCH = 1024


FEATURES_MIN = 30
"""A window of fewer features counts as one of so many: a word or two is little evidence."""

STEP = 10.0
"""Only the scale that the optimiser sees; folded into the weights when they are saved."""


def batch(windows, index):
    """The features of some windows, as an EmbeddingBag takes them, averaged.

    Averaged, because a sum over root n (a unit vector) grows with the text, and long honest prompts came out on top.
    """
    starts, ends = windows.indptr[index], windows.indptr[index + 1]
    counts = ends - starts
    offsets = numpy.concatenate(([0], numpy.cumsum(counts)[:-1]))
    flat = numpy.repeat(starts - offsets, counts) + numpy.arange(counts.sum())
    values = numpy.repeat(STEP / numpy.maximum(counts, FEATURES_MIN), counts).astype(numpy.float32)
    as_torch = lambda array: torch.from_numpy(numpy.ascontiguousarray(array))
    return as_torch(windows.buckets[flat].astype(numpy.int64)), as_torch(offsets), as_torch(values)


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = torch.nn.EmbeddingBag(BUCKETS, len(HEADS), mode="sum")
        torch.nn.init.zeros_(self.bag.weight)
        self.bias = torch.nn.Parameter(torch.full((len(HEADS),), -1.0))

    def forward(self, buckets, offsets, values):
        return self.bag(buckets, offsets, per_sample_weights=values) + self.bias


def masked_loss(logits, labels, weights):
    """Binary cross-entropy over the heads that a window teaches, each head weighing the same."""
    known = (labels >= 0).float() * weights
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.clamp(min=0).float(), reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=1)


def train(windows, index, epochs=5, rate=0.05, decay=5e-9, drop=0.5, log=print):
    """Half of the features are dropped at each step, so that no single phrase decides."""
    torch.manual_seed(SEED)
    rng = numpy.random.default_rng(SEED)
    model = Linear()
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.99))
    steps = epochs * -(-len(index) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(0.02, 1 - step / steps))
    for epoch in range(epochs):
        total = 0.0
        order = rng.permutation(index)
        for at in range(0, len(order), BATCH):
            part = order[at:at + BATCH]
            buckets, offsets, values = batch(windows, part)
            values = values * (torch.rand(len(values)) > drop) / (1 - drop)
            logits = model(buckets, offsets, values)
            loss = masked_loss(logits, torch.from_numpy(windows.labels[part]), torch.from_numpy(windows.weights[part])[:, None])
            loss_with_decay = loss + decay * (model.bag.weight ** 2).sum()
            optimiser.zero_grad()
            loss_with_decay.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(part)
        log(f"linear epoch {epoch + 1}/{epochs} loss {total / len(index):.4f}")
    return model


@torch.no_grad()
def predict(model, windows, index=None):
    index = numpy.arange(len(windows)) if index is None else index
    return numpy.concatenate([model(*batch(windows, index[at:at + 4096])).numpy() for at in range(0, len(index), 4096)])


def quantise(model):
    """8-bit weights with one scale a head."""
    weights = model.bag.weight.detach().numpy() * STEP
    scale = numpy.maximum(numpy.quantile(numpy.abs(weights), 0.99999, axis=0), 1e-9) / 127
    return numpy.clip(numpy.rint(weights / scale), -127, 127).astype(numpy.int8), scale.astype(numpy.float32)


def save(model, path):
    """`linear.bin`, as crates/semantic/src/linear.rs reads it."""
    weights, scale = quantise(model)
    with open(path, "wb") as file:
        file.write(b"AEGL" + struct.pack("<III", 1, BUCKETS, len(HEADS)))
        file.write(model.bias.detach().numpy().astype("<f4").tobytes())
        file.write(scale.astype("<f4").tobytes())
        file.write(weights.tobytes())
