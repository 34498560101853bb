"""One suite for the real encoder and for the two that tests use in its place, so that these cannot drift."""

from typing import Any

import numpy as np
import pytest

from models.encoder.base_model import DEFAULT_BASE_MODEL
from models.encoder.store import prepare_encoder
from models.runtime import Encoder
from tests import fakes, walking

TEXTS = ["My card has not arrived yet.", "Hallo", "", "Where is my invoice? " * 400]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    models = tmp_path_factory.mktemp("encoders")
    return Encoder(prepare_encoder(models, DEFAULT_BASE_MODEL, 128, ("int8",)), "cpu", threads=1)


@pytest.fixture(params=["real", "fakes", "walking"])
def encoder(request: pytest.FixtureRequest) -> Any:
    if request.param == "real":
        return request.getfixturevalue("real")
    return fakes.FakeEncoder() if request.param == "fakes" else walking.FakeEncoder()


@pytest.mark.timeout(120)
def test_a_text_becomes_at_least_one_token_and_a_long_one_is_cut_and_said_so(encoder: Any) -> None:
    tokenized = encoder.tokenize(TEXTS)
    assert len(tokenized) == len(TEXTS)
    assert all(len(text.ids) >= 1 for text in tokenized)
    assert [text.truncated for text in tokenized] == [False, False, False, True]


@pytest.mark.timeout(120)
def test_rows_come_back_in_order_finite_and_independent_of_each_other(encoder: Any) -> None:
    rows = [text.ids for text in encoder.tokenize(TEXTS)]
    together = encoder.embed(rows)
    assert together.dtype == np.float32
    assert together.shape[0] == len(rows)
    assert np.isfinite(together).all()
    for place, row in enumerate(rows):
        np.testing.assert_allclose(together[place], encoder.embed([row])[0], atol=1e-5)


@pytest.mark.timeout(120)
def test_it_names_what_batches_and_limits_are_chosen_by(encoder: Any) -> None:
    assert isinstance(encoder.key, str)
    assert encoder.provider == "cpu"
