"""The counter of the integration tests, proved on faults that are put in on purpose."""

from tests.counting import Count, Seen, compare

CLEAN = [f"p-inbound-emails/{partition}/{offset}" for partition in range(2) for offset in range(50)]


def answers(causes: list[str]) -> list[Seen]:
    return [Seen("p-classifications", 0, cause) for cause in causes]


def texts(causes: list[str]) -> list[Seen]:
    return [Seen("p-cleaned-emails", 0, cause) for cause in causes]


def counted(causes: list[str]) -> Count:
    return compare(CLEAN, answers(causes), texts(causes))


def faults(count: Count) -> tuple[list[str], ...]:
    return (count.lost, count.duplicated, count.out_of_order, count.without_cause)


def test_one_output_for_each_input_in_order_is_exactly_once() -> None:
    counted(CLEAN).must_be_exactly_once()


def test_interleaved_partitions_are_in_order() -> None:
    interleaved = [cause for pair in zip(CLEAN[:50], CLEAN[50:], strict=True) for cause in pair]
    counted(interleaved).must_be_exactly_once()


def test_a_lost_record_is_seen() -> None:
    count = counted([cause for cause in CLEAN if cause != CLEAN[17]])
    assert faults(count) == ([CLEAN[17]], [], [], [])


def test_a_duplicate_is_seen() -> None:
    count = counted([*CLEAN[:18], CLEAN[17], *CLEAN[18:]])
    assert faults(count) == ([], [CLEAN[17]], [], [])


def test_a_duplicate_across_answers_and_letters_is_seen() -> None:
    outputs = [*answers(CLEAN), Seen("p-dead-letters", 3, CLEAN[17])]
    count = compare(CLEAN, outputs, texts(CLEAN))
    assert faults(count) == ([], [CLEAN[17]], [], [])


def test_a_swap_is_seen() -> None:
    count = counted([*CLEAN[:17], CLEAN[18], CLEAN[17], *CLEAN[19:]])
    assert faults(count) == ([], [], [CLEAN[17], CLEAN[17]], [])  # among answers and among texts


def test_an_output_of_nothing_is_seen() -> None:
    count = counted([*CLEAN, "p-inbound-emails/1/50"])
    assert faults(count) == ([], [], [], ["p-inbound-emails/1/50"])


def test_an_answer_without_its_cleaned_text_is_seen() -> None:
    count = compare(CLEAN, answers(CLEAN), texts(CLEAN[1:]))
    assert count.without_text == [CLEAN[0]]
