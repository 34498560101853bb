"""FEATURES.toml: what it says, and how it is told what is wrong in it."""

from pathlib import Path

import pytest

from models.churn.features_file import FeatureLists, read_features
from models.rows.errors import DatasetError


def features(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "FEATURES.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(DatasetError) as refused:
        read_features(features(tmp_path, text))
    message = str(refused.value)
    assert "FEATURES.toml" in message
    assert "\n" not in message
    return message


def test_three_lists_are_read_and_sides_have_one_order(tmp_path: Path) -> None:
    text = 'numerical = ["b", "a"]\ncategorical = ["c"]\ntextual = ["agent", "customer"]\n'
    lists = read_features(features(tmp_path, text))
    assert lists == FeatureLists(("b", "a"), ("c",), ("customer", "agent"))
    assert lists.of_profile == ("b", "a", "c")


def test_a_list_may_be_left_out(tmp_path: Path) -> None:
    assert read_features(features(tmp_path, 'textual = ["agent"]')).textual == ("agent",)
    assert read_features(features(tmp_path, 'numerical = ["a"]')).textual == ()


def test_an_empty_file_is_refused_and_shows_what_to_write(tmp_path: Path) -> None:
    assert 'numerical = ["tenure"]' in refusal(tmp_path, "")
    assert "names no feature" in refusal(tmp_path, "numerical = []")


def test_an_unknown_key_is_told_the_nearest_known_one(tmp_path: Path) -> None:
    assert "no key 'numericals'; write numerical" in refusal(tmp_path, 'numericals = ["a"]')


def test_a_name_stands_in_one_list_and_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'numerical = ["a"]\ncategorical = ["a"]')
    assert "categorical names 'a' and in numerical" in message
    assert "numerical names 'a' twice" in refusal(tmp_path, 'numerical = ["a", "a"]')


def test_words_are_heard_of_the_sides_of_a_call_alone(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'textual = ["notes"]')
    assert "textual names 'notes'" in message
    assert 'write textual = ["customer", "agent"]' in message


@pytest.mark.parametrize("name", ["churn", "churned", "customer_id"])
def test_the_answer_is_no_feature(tmp_path: Path, name: str) -> None:
    assert f"categorical names '{name}', which is the answer" in refusal(
        tmp_path, f'categorical = ["{name}"]'
    )


@pytest.mark.parametrize("value", ['"a"', "[1]", '[""]', "{ a = 1 }"])
def test_a_list_holds_names(tmp_path: Path, value: str) -> None:
    assert "numerical is no list of names" in refusal(tmp_path, f"numerical = {value}")


def test_what_is_no_toml_or_is_not_there_is_told(tmp_path: Path) -> None:
    assert "is no TOML file" in refusal(tmp_path, "numerical = [")
    with pytest.raises(DatasetError, match=r"absent\.toml cannot be read .*numerical = "):
        read_features(tmp_path / "absent.toml")
