"""What the page of a training says; how it looks is `e2e/test_report_page.py`."""

from datetime import UTC, datetime

import msgspec
import pytest

from models.evaluation.matrix import SHOWN_LABELS, lay_out
from models.rows.label_changes import HeadChange
from models.training.report import EpochReport, HeadReport, TrainReport, TuningReport

pytest.importorskip("matplotlib", reason="needs the extra heads")


def test_the_page_of_a_training_tells_how_the_model_was_made_and_what_to_beware_of() -> None:
    from models.evaluation.training_page import render_training_page  # noqa: PLC0415

    head = HeadReport(
        name="queue", kind="multiclass", labels=3, rows=90, rare_labels=("odd",), features="embedding",
        inverse_penalty=10.0, temperature=1.1, chosen_on_rows=20, candidates={"embedding, penalty 1/10": 0.81},
        figures=None,
    )  # fmt: skip
    epochs = tuple(
        EpochReport(number=number, loss=1 / number, learning_rate=2e-5, seconds=3.0,
                    heads={"queue": {"accuracy": 0.5 * number}})
        for number in (1, 2)
    )  # fmt: skip
    page = render_training_page(
        TrainReport(
            name="support", version="7", rows=90, test_rows=10, other_tenants_rows=4, heads=(head,),
            refused_rows={"bolt": 3}, refused_heads={"mood": "one class only"}, seconds={"read": 1.5},
            recipe="balanced", previous="support/6", warm_started=("queue",),
            changes={"queue": HeadChange(added=("card",), renamed={"bill": "invoice"}, unchanged=1)},
            tuning=TuningReport(device="cpu", arithmetic="fp32", settings={"learning_rate": 2e-5},
                                rows=70, check_rows=20, epochs=epochs, notes=("went on from epoch 1",)),
        )
    )  # fmt: skip
    for said in (
        "support/7", "balanced", "mood was not trained: one class only", "3 rows were left out",
        "queue has no row kept back", "went on from epoch 1", "Labels of queue since support/6",
        "tried: embedding, penalty 1/10", "the closer a head follows the rows", "learning rate",
        "renamed: bill", "invoice", "queue: accuracy on rows kept back from tuning", "odd",
    ):  # fmt: skip
        assert said in page
    assert page.count("<svg") == 2


def test_the_page_says_what_was_asked_for_and_when_each_head_answers_alone() -> None:
    from models.evaluation.training_page import render_training_page  # noqa: PLC0415

    head = HeadReport(
        name="queue", kind="multiclass", labels=3, rows=90, rare_labels=(), features="embedding",
        inverse_penalty=10.0, temperature=1.1, chosen_on_rows=20, candidates={}, figures=None,
        abstain_below=0.8125, out_of_scope_label="oos",
    )  # fmt: skip
    never = msgspec.structs.replace(head, name="mood", abstain_below=2.0, out_of_scope_label=None)
    always = msgspec.structs.replace(never, name="topic", abstain_below=0.0)
    report = TrainReport(
        name="support", rows=1234, test_rows=10, other_tenants_rows=0, heads=(head, never, always),
        refused_heads={}, seconds={}, seed=41, target_precision=0.955, out_of_scope_label="oos",
        head_weights={"queue": 2.5}, tokens=17, previous="support/6", warnings=("beware of x",),
    )  # fmt: skip
    page = render_training_page(report, datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
    for said in (
        "support after support/6, trained 2026-03-04 05:06 UTC on 1,234 rows", "41", "95.5 %", "oos",
        "queue 2.5", "17", "from a confidence of 0.812 on", "never", "always", "beware of x",
        "learned and never given",
    ):  # fmt: skip
        assert f">{said}<" in page, said


def test_of_very_many_labels_those_with_the_most_wrong_rows_are_drawn() -> None:
    labels = [f"label {place:03}" for place in range(SHOWN_LABELS + 5)]
    counts = [[0] * len(labels) for _ in labels]
    for place in range(len(labels)):
        counts[place][place] = 10
    counts[-1][-2] = 4
    matrix = lay_out(labels, counts)
    assert matrix is not None
    assert (len(matrix.names), matrix.left_out) == (SHOWN_LABELS, 5)
    assert {"label 203", "label 204"} <= set(matrix.names)
    [wrong] = [cell for cell in matrix.cells if not cell.is_right]
    assert (wrong.truth, wrong.given, wrong.rows) == ("label 204", "label 203", 4)
    assert lay_out([], []) is None
