"""What was taken out is accounted for: line by line, with its reason and rule."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.clean import CleanNotes, CleanOptions, clean_with_notes
from stream.clean.boilerplate import Boilerplate
from stream.clean.lines import Cut, Letter
from stream.records import CleanedEmail, InboundEmail
from tests.unit.clean_strategies import NOW, PATIENT, bodies, pages


def explained(body: str, options: CleanOptions = PATIENT) -> tuple[CleanedEmail, CleanNotes]:
    return clean_with_notes(InboundEmail(id="1", subject="Help", body=body), NOW, None, options)


def stories(notes: CleanNotes) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(cut.reason, cut.rule, cut.numbers) for cut in notes.cuts]


def test_each_cut_names_its_reason_rule_and_lines() -> None:
    body = (
        "CAUTION: This email originated from outside\n\nWhere is my card?\n\nBest regards,\nJane Doe\n\n"
        "On Mon, Nov 3, 2025 at 10:00 A B <a@b.com> wrote:\n> It is on its way."
    )
    cleaned, notes = explained(body)
    assert cleaned.body == "Where is my card?"
    assert {(reason, numbers) for reason, _, numbers in stories(notes)} == {
        ("footer", (1,)),
        ("quote", (8, 9)),
        ("signature", (5, 6)),
    }
    assert all(rule for _, rule, _ in stories(notes))
    assert [line for cut in notes.cuts for line in cut.lines if "card" in line] == []


@settings(deadline=None)
@given(bodies | pages)
def test_every_line_with_words_is_kept_or_in_exactly_one_cut(text: str) -> None:
    email = InboundEmail(id="1", subject="Fwd: x", body=text)
    cleaned, notes = clean_with_notes(email, NOW, None, PATIENT)
    gone = [number for cut in notes.cuts for number in cut.numbers]
    assert len(gone) == len(set(gone))
    shown = dict(enumerate(notes.text.split("\n"), start=1))
    assert set(gone) <= set(shown)
    kept = [line for number, line in shown.items() if number not in set(gone)]
    words = "".join("".join(kept).replace("\x01", "").replace("\x02", "").split())
    # forwarded lines lose their quote marks, signed ones their dashes
    assert words.replace(">", "").replace("-", "") == "".join(cleaned.body.split()).replace(
        ">", ""
    ).replace("-", "")


@settings(deadline=None)
@given(bodies)
@example("Hello there\n>\n-----Original Message-----")
def test_removed_characters_are_those_of_the_cuts(body: str) -> None:
    cleaned, notes = explained(body)
    for reason in ("quote", "signature", "footer", "boilerplate"):
        assert cleaned.removed[reason] == sum(
            cut.chars for cut in notes.cuts if cut.reason == reason
        )


@given(st.lists(st.sampled_from(["a", "b", ""]), max_size=12), st.data())
def test_a_letter_keeps_its_numbers_whatever_is_cut(lines: list[str], data: st.DataObject) -> None:
    letter = Letter.of("\n".join(lines))
    whole = list(letter.lines)
    places = sorted(data.draw(st.sets(st.integers(0, len(whole) - 1))))
    letter.keep(places, "quote", [(0, "first"), (3, "second")])
    assert letter.lines == [whole[number - 1] for number in letter.numbers]
    gone = [number for cut in letter.cuts for number in cut.numbers]
    assert sorted([*gone, *letter.numbers]) == list(range(1, len(whole) + 1))


def test_a_rule_holds_from_its_place_on() -> None:
    letter = Letter.of("a\nb\nc\nd\ne")
    letter.keep([0, 2], "quote", [(1, "separator"), (4, "header block")])
    assert letter.cuts == [
        Cut("quote", "separator", (2,), ("b",)),
        Cut("quote", "header block", (4, 5), ("d", "e")),
    ]


SIGNED = """-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

My card is lost.
- -- not a signature
-----BEGIN PGP SIGNATURE-----

iQEzBAEBCAAdFiEE
=abcd
-----END PGP SIGNATURE-----"""
ENCRYPTED = "-----BEGIN PGP MESSAGE-----\nVersion: 2\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----"


def test_a_signed_message_keeps_its_words_without_armour() -> None:
    cleaned, notes = explained(SIGNED)
    assert (cleaned.body, cleaned.protection) == (
        "My card is lost.\n-- not a signature",
        "signed",
    )
    assert {cut.reason for cut in notes.cuts} == {"markup"}


def test_an_encrypted_message_has_no_body_and_is_no_empty_mail() -> None:
    cleaned, notes = explained(ENCRYPTED)
    assert (cleaned.body, cleaned.protection, notes.problem) == ("", "encrypted", None)


def test_words_around_an_encrypted_block_stay_also_where_its_end_is_missing() -> None:
    assert explained(f"See below.\n{ENCRYPTED}\nThanks so far.")[0].body == (
        "See below.\nThanks so far."
    )
    cut_off = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\nabc\n\nMy words."
    assert explained(cut_off)[0].body == "My words."


def test_talk_of_pgp_is_no_armour() -> None:
    body = "I see -----BEGIN PGP MESSAGE----- in my mail. What is it?"
    cleaned, _ = explained(body)
    assert (cleaned.body, cleaned.protection) == (body, None)


def test_words_between_lines_of_armour_are_no_armour() -> None:
    body = (
        "What is\n-----BEGIN PGP MESSAGE-----\nin my mail? My key is 5.\n-----END PGP MESSAGE-----"
    )
    cleaned, _ = explained(body)
    assert (cleaned.body, cleaned.protection) == (body, None)


def with_boilerplate(*entries: str) -> CleanOptions:
    return CleanOptions(time_budget_ms=60_000, boilerplate=Boilerplate.of(entries))


def test_a_tenants_boilerplate_goes_wherever_it_stands() -> None:
    options = with_boilerplate("Sent through the Acme   desk", "Ticket * was opened by *")
    cleaned, notes = explained(
        "ticket 4711 was opened by Jane Doe\n\nMy card is lost.\nsent through the acme desk\n\nHelp!",
        options,
    )
    assert cleaned.body == "My card is lost.\n\nHelp!"
    assert cleaned.removed["boilerplate"] > 50
    assert {(cut.reason, cut.numbers) for cut in notes.cuts} == {
        ("boilerplate", (1,)),
        ("boilerplate", (4,)),
    }


def test_boilerplate_of_several_lines_needs_all_of_them_in_order() -> None:
    options = with_boilerplate("Acme Ltd\nYour request: *")
    assert explained("Acme Ltd\n\nYour request: 7\nhello", options)[0].body == "hello"
    for body in ("Acme Ltd\nhello there", "Your request: 7\nAcme Ltd\nhello"):
        assert explained(body, options)[0].body == body


def test_boilerplate_that_is_kept_stays() -> None:
    options = CleanOptions(remove=frozenset({"quote"}), boilerplate=Boilerplate.of(["Acme desk"]))
    assert explained("Acme desk\nhello", options)[0].body == "Acme desk\nhello"
