"""How well Prompt Armor tells attacks from honest text: `cargo xtask eval armor`."""

SEED = 20261122
ATTACKS = ("injection", "jailbreak", "extraction", "indirect_injection")
BENIGN = ("benign", "benign_hard")
