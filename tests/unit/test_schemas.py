"""Labels by tenant: what is outside a tenant's schema is never in an answer, and nobody else's answer changes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from models.heads import Head, HeadAnswer, LinearWeights, answer_heads
from models.labels import HeadKind, HeadSpec, TrainingRow
from models.ngrams import build_vocabulary
from models.rows.dataset import schemas_of
from models.schemas import SchemaMasks

LABELS = ("card", "invoice", "printer", "beyond")
TAGS = ("lost", "wrong", "refund")
NO_WORDS = build_vocabulary(())


def head(
    kind: HeadKind = "multiclass", out_of_scope: str | None = None, abstain_below: float = 0.0
) -> Head:
    """A head whose scores are its embeddings."""
    labels = LABELS if kind == "multiclass" else TAGS
    weights = LinearWeights(
        np.eye(len(labels), 4, dtype=np.float32), np.zeros(len(labels), np.float32), None
    )
    return Head(
        HeadSpec(kind, kind, labels),
        weights,
        0.8,
        np.full(len(labels), 0.4) if kind == "multilabel" else None,
        abstain_below,
        out_of_scope,
    )


def answers(
    heads: Sequence[Head],
    scores: npt.NDArray[np.float32],
    schemas: dict[str, dict[str, tuple[str, ...]]],
    tenants: Sequence[str] | None,
) -> list[dict[str, HeadAnswer]]:
    masks = SchemaMasks(schemas, [one.spec for one in heads])
    allowed = masks.of([""] * len(scores) if tenants is None else tenants)
    return answer_heads(heads, NO_WORDS, scores, [""] * len(scores), allowed)


SCORES = npst.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.just(4)), elements=st.floats(-1e4, 1e4, width=32)
)
SCHEMA = st.fixed_dictionaries(
    {},
    optional={
        "multiclass": st.sets(st.sampled_from(LABELS)).map(lambda found: tuple(sorted(found))),
        "multilabel": st.sets(st.sampled_from(TAGS)).map(lambda found: tuple(sorted(found))),
    },
)


@given(SCORES, SCHEMA, SCHEMA, st.sampled_from([None, "beyond"]), st.data())
def test_whatever_the_scores_a_label_outside_the_schema_is_in_no_answer(
    scores: npt.NDArray[np.float32],
    acme: dict[str, tuple[str, ...]],
    globex: dict[str, tuple[str, ...]],
    out_of_scope: str | None,
    data: st.DataObject,
) -> None:
    schemas = {"acme": acme, "globex": globex}
    tenants = data.draw(
        st.lists(st.sampled_from([*schemas, "other"]), min_size=len(scores), max_size=len(scores))
    )
    heads = [head(out_of_scope=out_of_scope), head("multilabel")]
    for tenant, row in zip(tenants, answers(heads, scores, schemas, tenants), strict=True):
        for one in heads:
            everything = set(one.spec.labels) - {one.out_of_scope_label}
            own = set(schemas[tenant].get(one.spec.name, ())) if tenant in schemas else everything
            if not own & everything:
                assert one.spec.name not in row
                continue
            given_ = [label for label, _ in row[one.spec.name].labels]
            assert set(given_) <= own & everything
            if one.spec.kind == "multiclass":
                assert len(given_) == min(3, len(own & everything))
                assert all(0 <= chance <= 1 for _, chance in row[one.spec.name].labels)


@given(SCORES, SCHEMA, st.sampled_from([None, "beyond"]), st.data())
def test_an_answer_does_not_depend_on_whose_mail_is_in_the_batch(
    scores: npt.NDArray[np.float32],
    acme: dict[str, tuple[str, ...]],
    out_of_scope: str | None,
    data: st.DataObject,
) -> None:
    heads = [head(out_of_scope=out_of_scope), head("multilabel", abstain_below=0.7)]
    size = len(scores)
    tenants = data.draw(st.lists(st.sampled_from(["acme", "other"]), min_size=size, max_size=size))
    together = answers(heads, scores, {"acme": acme}, tenants)
    alone = [
        answers(heads, scores[at : at + 1], {"acme": acme}, [tenants[at]])[0] for at in range(size)
    ]
    assert together == alone
    plain = answers(heads, scores, {}, None)
    for tenant, found, wanted in zip(tenants, together, plain, strict=True):
        assert tenant == "acme" or found == wanted, "a tenant without a schema notices nothing"


ROW = st.builds(
    TrainingRow,
    id=st.just("1"),
    tenant=st.sampled_from([None, "default", "acme", "globex", "initech"]),
    labels=st.fixed_dictionaries(
        {},
        optional={
            "multiclass": st.sampled_from(LABELS[:3]),
            "multilabel": st.lists(st.sampled_from(TAGS), unique=True),
        },
    ),
)


@given(st.lists(ROW, max_size=12), SCORES, st.sampled_from([None, "beyond"]))
def test_a_label_that_only_one_tenants_rows_have_is_never_given_to_another(
    rows: list[TrainingRow], scores: npt.NDArray[np.float32], out_of_scope: str | None
) -> None:
    users: dict[str, set[str]] = {}
    for row in rows:
        for value in row.labels.values():
            for label in [value] if isinstance(value, str) else value:
                users.setdefault(label, set()).add(row.tenant or "default")
    schemas = schemas_of(rows)
    heads = [head(out_of_scope=out_of_scope), head("multilabel")]
    for tenant in ("acme", "globex", "initech", "default", "", "stranger", "*"):
        foreign = {
            label
            for label, own in users.items()
            if schemas and len(own) == 1 and own not in ({"default"}, {tenant})
        }
        for answer in answers(heads, scores, schemas, [tenant] * len(scores)):
            given_ = {label for one in answer.values() for label, _ in one.labels}
            assert not given_ & foreign, tenant


def test_a_tenant_that_is_not_named_gets_the_labels_of_everyone() -> None:
    schemas = {"*": {"multiclass": ("card",)}, "acme": {"multiclass": ("card", "invoice")}}
    scores = np.array([[0, 9, 0, 0]] * 3, np.float32)
    acme, other, star = answers([head()], scores, schemas, ["acme", "stranger", "*"])
    assert [label for label, _ in acme["multiclass"].labels] == ["invoice", "card"]
    assert other["multiclass"].labels == (("card", 1.0),)
    assert star == other, "nobody gets more by that name"
    assert answers([head()], scores[:1], schemas, None) == [other]


def test_probabilities_are_of_the_allowed_labels_alone() -> None:
    scores = np.array([[9.0, 1.0, 1.0, 9.0]], np.float32)
    schema = {"acme": {"multiclass": ("invoice", "printer")}}
    [row] = answers([head()], scores, schema, ["acme"])
    assert row["multiclass"].labels == (("invoice", 0.5), ("printer", 0.5))


def test_a_multi_label_head_is_as_sure_as_its_allowed_labels() -> None:
    scores = np.array([[0.0, 9.0, -9.0, 0.0]], np.float32)
    [all_tags] = answers([head("multilabel", abstain_below=0.9)], scores, {}, None)
    schema = {"acme": {"multilabel": ("wrong", "refund")}}
    [own_tags] = answers([head("multilabel", abstain_below=0.9)], scores, schema, ["acme"])
    assert all_tags["multilabel"].abstained, "`lost` is on the fence"
    assert not own_tags["multilabel"].abstained, "`lost` is none of its labels"
    assert [label for label, _ in own_tags["multilabel"].labels] == ["wrong"]


@pytest.mark.parametrize("kind", ["multiclass", "multilabel"])
def test_a_head_whose_labels_are_other_tenants_is_left_out_of_the_answers(kind: HeadKind) -> None:
    scores = np.zeros((2, 4), np.float32)
    none, some = answers([head(kind)], scores, {"acme": {}}, ["acme", "other"])
    assert none == {}
    assert set(some) == {kind}


def test_only_the_out_of_scope_label_is_no_label_to_give() -> None:
    schema = {"acme": {"multiclass": ("beyond",)}}
    [row] = answers([head(out_of_scope="beyond")], np.zeros((1, 4), np.float32), schema, ["acme"])
    assert row == {}


def test_the_out_of_scope_label_abstains_where_it_is_likeliest_and_is_never_given() -> None:
    scores = np.array([[1, 0, 0, 2], [2, 0, 0, 1], [0, 0, 0, -9]], np.float32)
    beyond, within, far = (
        row["multiclass"] for row in answers([head(out_of_scope="beyond")], scores, {}, None)
    )
    assert [beyond.abstained, within.abstained, far.abstained] == [True, False, False]
    for one in (beyond, within, far):
        assert "beyond" not in dict(one.labels)
    assert sum(chance for _, chance in beyond.labels) < 0.5, "its probability lowers the others"
    [plain] = answers([head()], scores[:1], {}, None)
    assert dict(beyond.labels)["card"] == dict(plain["multiclass"].labels)["card"]


def test_out_of_scope_counts_for_a_tenant_whose_schema_does_not_name_it() -> None:
    scores = np.array([[1, 0, 0, 2]], np.float32)
    schema = {"acme": {"multiclass": ("card", "invoice")}}
    [row] = answers([head(out_of_scope="beyond")], scores, schema, ["acme"])
    assert row["multiclass"].abstained


def test_a_multi_label_head_is_out_of_scope_only_where_that_tag_is_a_yes() -> None:
    scores = np.array([[-9, -9, -3, 0], [-9, -9, 3, 0], [9, -9, 3, 0]], np.float32)
    found = answers([head("multilabel", out_of_scope="refund")], scores, {}, None)
    assert [row["multilabel"].abstained for row in found] == [False, True, False]
    assert all("refund" not in dict(row["multilabel"].labels) for row in found)


@pytest.mark.parametrize("label", ["unknown", ""])
def test_an_out_of_scope_label_that_the_head_never_learned_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="out-of-scope label"):
        head(out_of_scope=label)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"topics": ("card",)}, "'acme' names head 'topics', there are"),
        ({"multiclass": ("card", "x")}, r"'acme' allows \['x'\] for head 'multiclass'"),
    ],
)
def test_a_schema_of_what_the_model_does_not_have_is_refused(
    schema: dict[str, tuple[str, ...]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        SchemaMasks({"acme": schema}, [head().spec])


def test_a_batch_without_such_a_tenant_costs_no_mask() -> None:
    masks = SchemaMasks({"acme": {"multiclass": ("card",)}}, [head().spec])
    assert masks.of([""]) is None
    assert masks.of(["other", "globex"]) is None
    found = masks.of(["other", "acme"])
    assert found is not None
    assert found[0].tolist() == [[True] * 4, [True, False, False, False]]
