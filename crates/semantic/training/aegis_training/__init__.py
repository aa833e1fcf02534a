"""Trains the models of AEGIS's semantic check: labelled texts in, a signed bundle out."""

HEADS = ("injection", "jailbreak", "extraction", "indirect_injection", "toxicity")
SEED = 20261122
