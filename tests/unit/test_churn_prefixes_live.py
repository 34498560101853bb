"""Training and serving hold to one another: a file of what Kafka brought gives the vectors that the live fold had."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.churn.call_rows import Call, read_calls
from models.churn.prefixes import SpokenCall, make_prefixes
from models.churn.sums import unpack
from models.churn.vectors import CallSums
from stream.calls.fold import fold_window
from stream.calls.reading import decode_fragment
from stream.calls.state import Side, state_key
from tests.churn_fakes import (
    FakeChurnBundle,
    FakeChurnModel,
    FakeChurnModels,
    FakeProfiles,
    empty_table,
    item,
    with_rows,
)

SIZE = 8
BUNDLE = FakeChurnBundle(churn=FakeChurnModel(SIZE), hidden_size=SIZE)
MODELS = FakeChurnModels({"default": BUNDLE})
SPACE = BUNDLE.churn.space
PROFILE: dict[str, Any] = {"months": 4.0, "plan": "gold"}

texts = st.sampled_from(["my card", "is  gone\n", "cancel it", " ", "", "thanks"])
records = st.fixed_dictionaries(
    {
        "call_id": st.sampled_from(["a", "b"]),
        "seq": st.integers(0, 9),
        "text": texts,
        "speaker": st.sampled_from([None, "customer", "agent"]),
        "event": st.sampled_from(["segment"] * 4 + ["started", "completed"]),
        "partial": st.sampled_from([False, False, False, True]),
        "customer_id": st.sampled_from([None, "anna", "bert"]),
    }
)


def voice(side: Side) -> np.ndarray:
    return unpack(side.total, SIZE) if side.total else np.zeros(SIZE, np.int64)


def spoken(call: Call) -> SpokenCall:
    rows = [BUNDLE.row(fragment.text) for fragment in call.fragments]
    is_customer = np.array([fragment.is_customer for fragment in call.fragments], np.bool_)
    return SpokenCall(np.array(rows, np.int64).reshape(-1, SIZE), is_customer, PROFILE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(records, min_size=1, max_size=25))
def test_a_call_read_from_a_file_ends_as_it_ended_live(
    tmp_path_factory: pytest.TempPathFactory, made: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("calls") / "calls.jsonl"
    path.write_text("\n".join(map(json.dumps, made)), encoding="utf-8")
    table = empty_table()
    fragments = [decode_fragment(x["call_id"].encode(), json.dumps(x).encode()) for x in made]
    window = [item(fragment, offset) for offset, fragment in enumerate(fragments)]
    fold_window(with_rows(window, table, MODELS), table, MODELS, FakeProfiles(), 0)
    table.merge({0: len(made)})
    embedded = {fragment.text for fragment in fragments}
    for call in read_calls(path).rows:
        assert {fragment.text for fragment in call.fragments} <= embedded
        offline = make_prefixes(SPACE, [spoken(call)]).vectors[-1]
        state = table.find(0, state_key("default", call.call_id))
        if state is None:  # all was partial: nothing is kept
            assert call.fragments == ()
            continue
        assert state.customer_id == call.customer_id
        counts = state.customer.fragments, state.agent.fragments
        live = CallSums(voice(state.customer), voice(state.agent), *counts)
        assert offline.tobytes() == SPACE.vector(PROFILE, live).tobytes()
