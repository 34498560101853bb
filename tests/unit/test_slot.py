from stream.kafka.slot import CHALLENGE_S, FENCES_WITHIN_S, FROZEN_S, MOST_FENCES, Slot
from tests.walking import Events


class Rig:
    """A slot with a clock to turn."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.events = Events()
        self.slot = Slot(3, "switchboard", self.events, lambda: self.now_s)


def test_a_holder_that_was_well_takes_its_place_back_and_says_so() -> None:
    rig = Rig()
    rig.slot.joined()
    assert rig.slot.refusal(silent_s=3) is None
    assert rig.events.seen == [("slot_taken_back", {"slot": 3})]


def test_a_challenger_gives_way_and_names_the_slot_and_the_way_out() -> None:
    rig = Rig()
    rig.slot.enter()
    rig.slot.joined()
    rig.now_s += CHALLENGE_S - 0.1
    why = rig.slot.refusal(silent_s=3)
    assert why is not None
    assert why.startswith("slot 3 is in use")
    assert "group switchboard" in why
    assert why.endswith("give each worker its own slot")
    assert rig.events.count("slot_taken_back") == 0


def test_a_challenger_that_was_replaced_before_it_had_joined_gives_way_too() -> None:
    rig = Rig()
    rig.slot.enter()
    rig.now_s += 10 * CHALLENGE_S
    assert rig.slot.refusal(silent_s=3)


def test_a_place_that_nobody_took_back_in_time_is_held() -> None:
    rig = Rig()
    rig.slot.enter()
    rig.slot.joined()
    rig.now_s += CHALLENGE_S
    rig.slot.joined()  # after a rebalance; it begins no second challenge
    assert rig.slot.refusal(silent_s=3) is None


def test_one_that_was_silent_long_leaves_the_place_to_its_successor() -> None:
    rig = Rig()
    rig.slot.joined()
    assert rig.slot.refusal(silent_s=FROZEN_S - 0.1) is None
    assert "not heard" in (rig.slot.refusal(silent_s=FROZEN_S) or "")


def test_a_holder_does_not_fight_for_ever() -> None:
    rig = Rig()
    rig.slot.joined()
    for _ in range(MOST_FENCES):
        rig.now_s += 1
        assert rig.slot.refusal(silent_s=1) is None
    assert "6 times" in (rig.slot.refusal(silent_s=1) or "")


def test_fences_of_more_than_a_minute_ago_do_not_count() -> None:
    rig = Rig()
    rig.slot.joined()
    for _ in range(3 * MOST_FENCES):
        rig.now_s += FENCES_WITHIN_S / MOST_FENCES
        assert rig.slot.refusal(silent_s=1) is None
