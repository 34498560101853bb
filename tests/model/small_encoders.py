"""Small random encoders of transformers with the tokenizers that their kind comes with, as folders of the hub."""

import string
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

# Public situations in our own words; they also make the vocabularies.
TEXTS = (
    "My card has not arrived yet, I ordered it two weeks ago.",
    "Guten Tag, die Rechnung für Mai ist falsch; bitte prüfen Sie den Übertrag.",
    "Größere Beträge überweise ich künftig über das Depot.",
    "hi",
    "I was charged twice for the same order and nobody answers the phone. " * 9,
    "Ärger mit der Öffnungszeit? ÄÖÜß äöü!",
)
WIDE = {
    "max_position_embeddings": 66,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "intermediate_size": 48,
}
DISTILLED = {
    "max_position_embeddings": 66,
    "dim": 32,
    "n_heads": 4,
    "n_layers": 2,
    "hidden_dim": 48,
}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "pad_token_id": 0}
# kind -> the tokenizer's kind and what differs from `WIDE`
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "Bert": ("word pieces", WIDE),
    "DistilBert": ("cased word pieces", DISTILLED),
    "XLMRoberta": ("unigrams", WIDE | {"type_vocab_size": 1}),
    "Roberta": ("bytes", WIDE),
    "MPNet": ("word pieces", WIDE),
    "Electra": ("word pieces", WIDE | {"embedding_size": 16}),
    "Deberta": ("bytes", WIDE | RELATIVE),
    "DebertaV2": (
        "unigrams",
        WIDE
        | RELATIVE
        | {"share_att_key": True, "position_buckets": 16, "position_biased_input": False},
    ),
    "Albert": ("unigrams", WIDE | {"embedding_size": 16}),
}
WRITTEN_HERE = ("Bert", "DistilBert", "XLMRoberta", "Roberta")
EXPORTED = tuple(kind for kind in KINDS if kind not in WRITTEN_HERE)


def write_small_encoder(directory: Path, kind: str) -> Path:
    """Write `config.json`, `model.safetensors` and `tokenizer.json`; every weight is random, from one seed."""
    torch: Any = pytest.importorskip("torch", reason="needs the extra train")
    transformers: Any = pytest.importorskip("transformers", reason="needs the extra train")
    flavour, shape = KINDS[kind]
    tokenizer = small_tokenizer(flavour)
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    config = getattr(transformers, f"{kind}Config")(**shape, vocab_size=tokenizer.get_vocab_size())
    torch.manual_seed(3)
    model = getattr(transformers, f"{kind}Model")(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            is_scale = weight.ndim == 1 and name.endswith("weight")  # of a layer norm
            weight.copy_(torch.randn_like(weight) * 0.2 + (1.0 if is_scale else 0.0))
    model.save_pretrained(directory)
    return directory


def small_tokenizer(flavour: str) -> Any:
    """A tokenizer over the words of `TEXTS`: WordPiece, Unigram as SentencePiece writes it, or byte-level BPE."""
    words = sorted({word.strip(",;.?!") for text in TEXTS for word in text.split()})
    seen = {letter for text in TEXTS for letter in text if not letter.isspace()}
    letters = sorted(seen | set(string.ascii_letters))
    if flavour.endswith("word pieces"):
        return _word_pieces(words, letters, is_cased=flavour.startswith("cased"))
    return _unigrams(words, letters) if flavour == "unigrams" else _bytes(words)


def _word_pieces(words: list[str], letters: list[str], *, is_cased: bool) -> Any:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    if not is_cased:
        words, letters = [w.lower() for w in words], sorted({x.lower() for x in letters})
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *words[::2]]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    own: Any = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    own.normalizer = normalizers.BertNormalizer(lowercase=not is_cased, strip_accents=False)
    own.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    own.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    own.add_special_tokens(special)
    return own


def _unigrams(words: list[str], letters: list[str]) -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [(one, 0.0) for one in special]
    pieces += [("▁", -6.0), *((letter, -8.0) for letter in letters)]
    pieces += [(f"▁{word}", -3.0) for word in words[::2] if len(word) > 1]
    own: Any = Tokenizer(models.Unigram(pieces, unk_id=3))
    own.normalizer = normalizers.NFKC()
    own.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    own.decoder = decoders.Metaspace()
    own.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    own.add_special_tokens(special)
    return own


def _bytes(words: list[str]) -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = list(dict.fromkeys(("Ġ", word[0]) for word in words if word[0].isascii()))
    pieces = [*special, *alphabet, *(first + second for first, second in pairs)]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    own: Any = Tokenizer(models.BPE(vocabulary, pairs))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    own.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    own.add_special_tokens(special)
    return own
