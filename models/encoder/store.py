"""Keeps built encoders under `MODELS_DIR/encoders/`, one per base model and settings, so that each is built once.

For `models.train`; bundles hold hard links to these files. Knows the base model's files, not its graph.
"""

import hashlib
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from models.bundle_names import ENCODERS_NAME
from models.bundle_writer import UNFINISHED, sync_tree
from models.encoder.build import build_encoder, find_base_model
from models.encoder.files import EncoderError, Precision, read_config, sha256_of, verify_file

# A change in how graphs are written must not be answered from the store.
_WRITERS = (
    "base_model.py",
    "base_kind.py",
    "base_weights.py",
    "bert_graph.py",
    "export.py",
    "fused_graph.py",
    "quantize.py",
    "build.py",
    "files.py",
)


def prepare_encoder(
    models_dir: Path, base_model: str, max_length_tokens: int, precisions: Sequence[Precision]
) -> Path:
    """Give the directory of an encoder, building it when it is not there or damaged.

    Raises:
        BaseModelError: the base model cannot be found or written.
    """
    base = find_base_model(base_model)
    key = _content_key(base, max_length_tokens, precisions)
    home = models_dir / ENCODERS_NAME
    target = home / key
    if target.is_dir():
        if _is_whole(target):
            return target
        shutil.rmtree(target)
    home.mkdir(parents=True, exist_ok=True)
    work = home / f"{UNFINISHED}{uuid.uuid4().hex}"
    try:
        build_encoder(base, work, max_length_tokens, precisions)
        sync_tree(work)
        try:
            work.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise somebody else was quicker, with the same bytes
                raise
        return target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _content_key(base: Path, max_length_tokens: int, precisions: Sequence[Precision]) -> str:
    digest = hashlib.sha256(f"{max_length_tokens} {sorted(precisions)}\n".encode())
    inputs = [path for path in sorted(base.rglob("*")) if path.suffix in {".json", ".safetensors"}]
    inputs.extend(Path(__file__).with_name(name) for name in _WRITERS)
    for path in inputs:
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _is_whole(directory: Path) -> bool:
    try:
        config = read_config(directory)
        for file in (config.tokenizer, *config.files.values()):
            verify_file(directory, file)
    except EncoderError:
        return False
    return True
