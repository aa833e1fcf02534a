"""Makes the models that the tests of this crate run: small enough to check by hand.

The encoder's logits are the mean of one row per token, `[CLS]` and `[SEP]` (rows of zeros) included:
`attack` is 8 on every head, `rude` 8 on toxicity alone, every other token 0.

    python3 crates/semantic/testdata/make.py      needs onnx and numpy
"""

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "attack", "rude", "a", "b", "c", "##s", ".", "[", "]", "sep"]
HEADS = 5


def tokenizer() -> dict:
    special = lambda name: {"id": name, "ids": [WORDS.index(name)], "tokens": [name]}
    part = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": w, **added} for i, w in enumerate(WORDS[:4])],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [part("[CLS]"), text, part("[SEP]")],
            "pair": [part("[CLS]"), text, part("[SEP]"), {"Sequence": {"id": "B", "type_id": 1}}, part("[SEP]")],
            "special_tokens": {name: special(name) for name in ("[CLS]", "[SEP]")},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {w: i for i, w in enumerate(WORDS)}},
    }


def encoder(heads: int) -> onnx.ModelProto:
    rows = np.zeros((len(WORDS), heads), np.float32)
    rows[WORDS.index("attack")] = 8
    rows[WORDS.index("rude"), heads - 1] = 8
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    last = numpy_helper.from_array(np.array([2], np.int64), "last")
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["each"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
        helper.make_node("Mul", ["each", "mask3"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axes"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "axes"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["logits"]),
    ]
    tokens = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes, "mean",
        [helper.make_tensor_value_info(name, TensorProto.INT64, tokens) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", heads])],
        [numpy_helper.from_array(rows, "rows"), axes, last],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    (HERE / "tokenizer.json").write_text(json.dumps(tokenizer(), indent=1) + "\n")
    onnx.save(encoder(HEADS), HERE / "encoder.onnx")
    onnx.save(encoder(HEADS - 1), HERE / "encoder-4-heads.onnx")
