"""The tenants file: what it says, what it refuses and how, how it is read again, and whose model answers then."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from models.labels import HeadSpec
from stream.cli import main
from stream.cli.dedicated import dedicated_settings, dedication_of
from stream.dedication import Dedication
from stream.errors import FatalError, SettingsError
from stream.metrics import Metrics
from stream.settings import Settings
from stream.tenant_models import Loaded, Rules, TenantRules
from stream.tenants import ALL_ALIKE, EVERY_HEAD, Period, TenantSettings, language_code
from stream.tenants_file import TenantsFile
from stream.tenants_toml import load_tenants, read_tenants
from tests.walking import Events, FakeBundle, FakeEncoder

WHOLE = """
[default]
on_unknown = "abstain"
consent_to_training = true

[tenants.acme]
boilerplate = ["Sent through the Acme help desk", "Ticket * was opened by *"]
skip_kinds = ["auto_reply", "bounce"]
languages = ["en", "de"]
model = "acme-support"
abstain_below = 0.6
consent_to_training = false

[tenants."globex corp"]
abstain_below = { queue = 0.8, "*" = 0.5 }
consent_to_training = true
"""
AGREES = "consent_to_training = true\n"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tenants.toml"


def written(path: Path, text: str, *, age_s: float = 60) -> Path:
    """A file that stands still since a minute."""
    path.write_text(text, encoding="utf-8")
    stamp = path.stat().st_mtime - age_s
    os.utime(path, (stamp, stamp))
    return path


# -- what the file says --------------------------------------------------------------------------


def test_each_tenant_gets_what_its_table_says(path: Path) -> None:
    tenants = read_tenants(written(path, WHOLE))
    acme, globex, others = map(tenants.of, ("acme", "globex corp", "somebody"))
    assert acme.boilerplate.spans(["ticket 7 was opened by Bob"]) == [(0, 1)]
    assert acme.skip_kinds == {"auto_reply", "bounce"}
    assert (acme.languages, acme.model) == ({"en", "de"}, "acme-support")
    assert acme.abstain_below == {EVERY_HEAD: 0.6}
    assert globex.abstain_below == {"queue": 0.8, EVERY_HEAD: 0.5}
    assert globex == TenantSettings(abstain_below=globex.abstain_below), "nothing else is its own"
    assert others == TenantSettings()
    assert tenants.abstains_on_unknown
    assert [tenants.consents(name) for name in ("acme", "globex corp", "new")] == [
        False, True, True,
    ]  # fmt: skip


def test_no_kinds_and_kinds_unsaid_are_two_things(path: Path) -> None:
    text = f"[tenants.a]\nskip_kinds = []\n{AGREES}[tenants.b]\n{AGREES}"
    tenants = read_tenants(written(path, text))
    assert (tenants.of("a").skip_kinds, tenants.of("b").skip_kinds) == (frozenset(), None)


def test_without_a_file_all_tenants_are_alike_and_consent() -> None:
    assert load_tenants(Settings()) is ALL_ALIKE
    assert ALL_ALIKE.consents("anybody")


def test_the_default_file_is_read_where_it_is(path: Path) -> None:
    written(path, WHOLE)
    assert not load_tenants(Settings()).consents("acme")


def test_without_a_default_table_tenants_that_are_not_listed_do_not_consent(path: Path) -> None:
    tenants = read_tenants(written(path, f"[tenants.acme]\n{AGREES}"))
    assert (tenants.consents("acme"), tenants.consents("other")) == (True, False)
    assert tenants.of("other") == TenantSettings(consents_to_training=False)
    assert not tenants.abstains_on_unknown


def test_mail_that_names_no_tenant_may_have_a_table_of_its_own(path: Path) -> None:
    tenants = read_tenants(written(path, f"{WHOLE}[tenants.default]\nconsent_to_training = false"))
    assert (tenants.consents("default"), tenants.consents("new")) == (False, True)


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en", "en"), ("de-AT", "de"), ("pt_BR", "pt"), ("EN", "en"), ("nb", "no"), ("nn-NO", "no")],
)
def test_a_language_is_known_by_its_first_subtag(tag: str, code: str) -> None:
    assert language_code(tag) == code


# -- what it refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty", "[tenants.NAME]"]),
        ("a = = 1", ["no TOML file", "line 1"]),
        ("a = " + "[" * 5000, ["no TOML file"]),
        ("[acme]\nx = 1", ["[acme] is no table", "[tenants.acme]"]),
        ("[defaults]\nx = 1", ["[defaults]", "write [default]"]),
        ("tenants = 3", ["tenants=3", "[tenants.NAME]"]),
        ("[tenants]\nacme = 3", ["tenants.acme=3", "write [tenants.acme]"]),
        (f'[tenants.""]\n{AGREES}', ["[tenants.'']", "1 to 128 characters"]),
        ("[tenants.acme]\n", ["[tenants.acme] does not say consent_to_training", "true or"]),
        ("[default]\n", ["[default] does not say consent_to_training"]),
        (f"[tenants.a]\n{AGREES}boilerplat = []", ["boilerplat=[]", "nearest is boilerplate"]),
        (f"[tenants.a]\n{AGREES}on_unknown = 'abstain'", ["[tenants.a] on_unknown", "no such key"]),
        (f"[default]\n{AGREES}on_unknown = 'refuse'", ["on_unknown='refuse'", '"abstain"']),
        (f"[tenants.a]\n{AGREES}boilerplate = ['Hi']", ["['Hi']", "fewer than 4 letters"]),
        (f"[tenants.a]\n{AGREES}boilerplate = 'Hi there'", ["boilerplate='Hi there'", "a list"]),
        (f"[tenants.a]\n{AGREES}skip_kinds = ['spam']", ["skip_kinds.0='spam'", "notification"]),
        (f"[tenants.a]\n{AGREES}skip_kinds = ['message']", ["skip_kinds.0='message'"]),
        (f"[tenants.a]\n{AGREES}languages = ['en', 'jp']", ["languages.1='jp'", "ISO 639-1"]),
        (f"[tenants.a]\n{AGREES}model = '../up'", ["model='../up'", "NAME/VERSION"]),
        (f"[tenants.a]\n{AGREES}abstain_below = 60", ["abstain_below=60", "from 0 to 1"]),
        (f"[tenants.a]\n{AGREES}abstain_below = nan", ["abstain_below=nan"]),
        (f"[tenants.a]\n{AGREES}abstain_below = true", ["abstain_below=True"]),
        (f"[tenants.a]\n{AGREES}abstain_below = {{ queue = -1 }}", ["abstain_below.queue=-1"]),
        ("[tenants.a]\nconsent_to_training = 'yes'", ["consent_to_training='yes'", "true or"]),
    ],
)
def test_what_is_wrong_is_told_with_file_table_key_value_and_the_way_out(
    path: Path, text: str, words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        read_tenants(written(path, text))
    assert str(caught.value).startswith(str(path))
    for word in words:
        assert word in str(caught.value)


def test_all_that_is_wrong_in_a_table_is_told_at_once(path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_tenants(written(path, "[tenants.a]\nmodell = 'x'\nabstain_below = 2"))
    assert len(str(caught.value).splitlines()) == 3


def test_all_tables_that_are_wrong_are_told_at_once(path: Path) -> None:
    text = f"[acme]\nx = 1\n[default]\n[tenants.a]\n{AGREES}modell = 'x'\n[tenants.b]\n{AGREES}[tenants]\nc = 3"
    with pytest.raises(SettingsError) as caught:
        read_tenants(written(path, text))
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    told = [line.removeprefix(f"{path}: ").split()[0] for line in lines]
    assert told == ["[acme]", "[default]", "[tenants.a]", "tenants.c=3"]


def test_consent_that_a_table_leaves_to_default_is_asked_for_with_the_reason(path: Path) -> None:
    with pytest.raises(SettingsError, match=r"every table says it.* not taken over from"):
        read_tenants(written(path, f"[default]\n{AGREES}[tenants.acme]\nlanguages = ['en']"))


def test_bytes_that_are_no_utf_8_are_no_file(path: Path) -> None:
    path.write_bytes(b"[default]\nx = '\xff'")
    with pytest.raises(SettingsError, match="no TOML file"):
        read_tenants(path)


@pytest.mark.parametrize("named", ["elsewhere.toml", "tenants.toml"])
def test_a_file_that_was_named_and_is_missing_is_a_refusal_to_start(named: str) -> None:
    with pytest.raises(SettingsError, match=rf"tenants_file={named} cannot be read"):
        load_tenants(Settings(tenants_file=Path(named)))


def test_a_link_that_leads_nowhere_is_no_missing_file(path: Path) -> None:
    path.symlink_to("nowhere")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_tenants(Settings())


# -- read again without a restart ----------------------------------------------------------------


@dataclass
class Story:
    """A worker's view of the file while it changes. One step is more than the time between two looks."""

    path: Path
    now_s: float = 0.0
    metrics: Metrics = field(default_factory=Metrics)
    events: Events = field(default_factory=Events)

    def begin(self) -> "Story":
        self.file = TenantsFile(
            Settings(tenants_file=self.path),
            self.metrics,
            self.events,
            lambda: self.now_s,
        )
        return self

    def step(self, seconds: float = 1.5) -> bool:
        """Let time pass; whether acme consents now."""
        self.now_s += seconds
        return self.file.now().consents("acme")

    def failures(self) -> float | None:
        name = "switchboard_tenants_reload_failures_total"
        return self.metrics.registry.get_sample_value(name)


def consent(says: bool) -> str:
    return f"[tenants.acme]\nconsent_to_training = {str(says).lower()}\n"


@pytest.fixture
def story(path: Path) -> Story:
    return Story(written(path, consent(says=True))).begin()


def test_a_changed_file_is_read_without_a_restart(story: Story) -> None:
    assert story.step()
    written(story.path, consent(says=False))
    assert not story.step()
    assert story.events.count("tenants_loaded") == 2
    assert story.failures() == 0


def test_an_unchanged_file_is_read_once_and_given_as_one_object(story: Story) -> None:
    first = story.file.now()
    for _ in range(5):
        story.step()
    assert story.file.now() is first
    assert story.events.count("tenants_loaded") == 1


def test_the_file_is_looked_at_at_most_once_a_second(story: Story) -> None:
    written(story.path, consent(says=False))
    assert story.step(0.9), "too early to look"
    assert not story.step(0.2)


def test_a_file_of_equal_size_and_time_is_known_by_its_inode(story: Story, path: Path) -> None:
    before, other = path.stat(), path.with_name("other")
    other.write_text(consent(says=False).rstrip())
    os.utime(other, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert other.stat().st_size == before.st_size
    other.replace(path)
    assert not story.step()


def test_a_config_map_swaps_its_folder_behind_two_links(tmp_path: Path) -> None:
    for name, says in (("..2026_01", True), ("..2026_02", False)):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "tenants.toml", consent(says=says))
    data, mounted = tmp_path / "..data", tmp_path / "mounted.toml"
    data.symlink_to("..2026_01")
    mounted.symlink_to("..data/tenants.toml")
    story = Story(mounted).begin()
    assert story.step()
    (tmp_path / "..data_tmp").symlink_to("..2026_02")
    (tmp_path / "..data_tmp").replace(data)
    assert not story.step()
    assert story.failures() == 0


def test_a_file_that_is_being_written_is_read_when_it_stands_still(story: Story) -> None:
    story.path.write_text("")  # as a shell's `>` begins
    assert story.step()
    story.path.write_text("[tenants.acme]\nconsent_to_training = fal")
    assert story.step()
    story.path.write_text(consent(says=False))
    assert story.step(), "written a moment ago: it may be half of what it will be"
    assert not story.step()
    assert (story.failures(), story.events.count("tenants_refused")) == (0, 0)


def test_a_half_file_that_stays_is_refused_once_and_the_settings_of_before_stay(
    story: Story,
) -> None:
    written(story.path, consent(says=False)[:-4])
    for _ in range(4):
        assert story.step()
    assert (story.failures(), story.events.count("tenants_refused")) == (1, 1)
    written(story.path, consent(says=False))
    assert not story.step()
    assert story.failures() == 1


@pytest.mark.parametrize(
    "wrong", ["[tenants.acme]\nconsent = false\n", "[tenants.acme]\n", "", "a = = 1"]
)
def test_a_wrong_file_changes_nothing_and_is_told_with_the_way_out(
    story: Story, wrong: str
) -> None:
    written(story.path, wrong)
    assert story.step()
    [facts] = [facts for name, facts in story.events.seen if name == "tenants_refused"]
    assert str(story.path) in facts["error"]


def test_a_deleted_file_changes_nothing_and_the_next_one_is_taken(story: Story) -> None:
    story.path.unlink()
    for _ in range(4):
        assert story.step()
    assert (story.failures(), story.events.count("tenants_refused")) == (1, 1)
    written(story.path, consent(says=False))
    assert not story.step()


def test_a_file_that_is_away_between_two_looks_is_no_failure(story: Story) -> None:
    story.path.unlink()
    story.step()
    written(story.path, consent(says=False))
    assert not story.step()
    assert story.failures() == 0


def test_a_default_file_that_comes_later_is_taken(path: Path) -> None:
    events = Events()
    now_s = [0.0]
    file = TenantsFile(Settings(), Metrics(), events, lambda: now_s[0])
    assert file.now() is ALL_ALIKE
    assert events.seen == []
    written(path, consent(says=False))
    now_s[0] = 2
    assert not file.now().consents("acme")


def test_the_metric_says_when_the_file_was_read_well(story: Story) -> None:
    name = "switchboard_tenants_loaded_timestamp_seconds"
    at_start = story.metrics.registry.get_sample_value(name)
    assert at_start
    written(story.path, "wrong")
    story.step()
    assert story.metrics.registry.get_sample_value(name) == at_start


# -- whose model answers -------------------------------------------------------------------------


class Model(FakeBundle):
    def __init__(self, name: str, tenant: str = "default", *heads: str) -> None:
        super().__init__(FakeEncoder(), tenant)
        self.name = name
        self.heads = [Told(HeadSpec(head, "multiclass", ("a", "b"))) for head in heads]


@dataclass
class Told:
    spec: HeadSpec


SUPPORT, OWN = Model("support"), Model("own", "acme", "queue")
NEW, FOREIGN = Model("new"), Model("foreign", "globex")
LOADED: dict[str, Any] = {model.name: model for model in (SUPPORT, OWN, NEW, FOREIGN)}
BY_TENANT: dict[str, Any] = {"default": SUPPORT}


@dataclass
class Choice:
    """Rules that follow a file, with what they say about it."""

    now: Callable[[], Rules]
    events: Events
    path: Path
    clock: list[float]

    def change(self, text: str) -> Rules:
        written(self.path, text)
        self.clock[0] += 2
        return self.now()


def chosen(path: Path, text: str, by_tenant: dict[str, Any] = BY_TENANT) -> Choice:
    events, clock = Events(), [0.0]
    settings = Settings(tenants_file=written(path, text))
    file = TenantsFile(settings, Metrics(), events, lambda: clock[0])
    return Choice(TenantRules(file, Loaded(by_tenant), LOADED, events).now, events, path, clock)


def acme(model: str) -> str:
    return f"[tenants.acme]\nmodel = '{model}'\n{AGREES}"


def test_a_named_model_comes_before_the_tenants_own_and_that_before_the_default(path: Path) -> None:
    both: dict[str, Any] = {"default": SUPPORT, "acme": OWN}
    unnamed = f"[tenants.acme]\n{AGREES}"
    assert chosen(path, acme("new"), both).now().bundle_for("acme") is NEW
    assert chosen(path, unnamed, both).now().bundle_for("acme") is OWN
    assert chosen(path, unnamed).now().bundle_for("acme") is SUPPORT
    assert chosen(path, unnamed, {}).now().bundle_for("acme") is None


def test_the_model_of_the_default_table_answers_for_all_without_one(path: Path) -> None:
    text = f"[default]\nmodel = 'new'\n{AGREES}[tenants.acme]\nmodel = 'own'\n{AGREES}"
    rules = chosen(path, f"{text}[tenants.listed]\n{AGREES}").now()
    found = [rules.bundle_for(name) for name in ("acme", "listed", "unlisted")]
    assert found == [OWN, NEW, NEW]
    assert rules.models() == {"default": NEW, "acme": OWN}


def test_a_reload_moves_a_tenant_between_models_that_are_loaded(path: Path) -> None:
    choice = chosen(path, acme("own"))
    assert choice.now().bundle_for("acme") is OWN
    assert choice.change(acme("new")).bundle_for("acme") is NEW
    assert choice.change(f"[tenants.acme]\n{AGREES}").bundle_for("acme") is SUPPORT
    assert choice.events.count("tenant_rule_without_effect") == 0


def test_a_model_that_comes_up_in_a_reload_needs_a_restart_and_the_tenant_keeps_its_own(
    path: Path,
) -> None:
    choice = chosen(path, acme("own"))
    rules = choice.change(f"{acme('later')}languages = ['en']\n")
    assert rules.bundle_for("acme") is OWN
    assert rules.tenants.of("acme").languages == {"en"}, "the rest of the file is taken"
    [facts] = [facts for name, facts in choice.events.seen if name == "tenant_rule_without_effect"]
    assert "model='later' needs a restart" in facts["reason"]
    choice.now()
    assert choice.events.count("tenant_rule_without_effect") == 1, "said once"


def test_a_default_model_that_comes_up_in_a_reload_needs_a_restart_too(path: Path) -> None:
    choice = chosen(path, f"[default]\nmodel = 'new'\n{AGREES}")
    assert choice.change(f"[default]\nmodel = 'later'\n{AGREES}").bundle_for("x") is NEW
    assert choice.change(f"[default]\n{AGREES}").bundle_for("x") is SUPPORT


def test_a_model_that_learned_from_one_tenant_never_answers_for_another(path: Path) -> None:
    for text in (acme("foreign"), f"[default]\nmodel = 'foreign'\n{AGREES}"):
        with pytest.raises(SettingsError, match="was trained for tenant 'globex' alone"):
            chosen(path, text)
    choice = chosen(path, acme("own"))
    assert choice.change(acme("foreign")).bundle_for("acme") is OWN
    assert choice.events.count("tenant_rule_without_effect") == 1


def test_a_model_of_calls_answers_no_mail(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NEW, "kind", "churn")
    with pytest.raises(SettingsError, match="model='new' scores calls; name one that"):
        chosen(path, acme("new"))


def test_a_threshold_for_a_head_that_is_not_there_is_refused(path: Path) -> None:
    text = f"{acme('own')}abstain_below = {{ queu = 0.8 }}\n"
    with pytest.raises(SettingsError, match=r"abstain_below\.queu: own/1 has no such head.*queue"):
        chosen(path, text)
    assert chosen(path, text.replace("queu ", "queue ")).now()


# -- the command ---------------------------------------------------------------------------------


def check(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["switchboard", "tenants", "check", *arguments])
    main()


def test_check_prints_what_applies_to_each_tenant(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(path, WHOLE)
    with pytest.raises(SystemExit) as ended:
        check(monkeypatch, "--skip-kinds", "bulk")
    acme, globex, others = capsys.readouterr().out.splitlines()
    assert ended.value.code in (0, None)
    assert acme.split() == [
        "acme", "abstains=*<0.6", "skips=auto_reply,bounce", "languages=de,en",
        "model=acme-support", "boilerplate=2", "consent_to_training=false",
        "dedicated=no",
    ]  # fmt: skip
    assert "abstains=queue<0.8,*<0.5  skips=bulk  languages=all" in globex
    assert others.startswith("*  abstains=always")


def test_check_of_a_wrong_file_ends_with_1_and_its_error(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = written(path.with_name("other.toml"), "[tenants.acme]\nmodell = 'x'")
    with pytest.raises(SystemExit) as ended:
        check(monkeypatch, str(other))
    assert ended.value.code == 1
    assert f"{other}: [tenants.acme] modell='x'" in capsys.readouterr().err


# -- dedicated workers ---------------------------------------------------------------------------

BEGIN = "dedicated_from = 2026-03-01T07:00:00+01:00"
BEGIN_MS = 1_772_344_800_000


@pytest.mark.parametrize(
    ("lines", "period"),
    [
        (BEGIN, Period(BEGIN_MS)),
        (BEGIN.replace("= ", "= '") + "'", Period(BEGIN_MS)),
        (BEGIN.replace(":00+", ":00.0001+"), Period(BEGIN_MS + 1)),
        (f"{BEGIN}\ndedicated_until = 2026-03-01T06:00:01Z", Period(BEGIN_MS, BEGIN_MS + 1000)),
    ],
)
def test_times_of_dedicated_workers_are_read_to_the_millisecond(
    path: Path, lines: str, period: Period
) -> None:
    tenants = read_tenants(written(path, f"[tenants.acme]\n{lines}\n{AGREES}"))
    assert tenants.of("acme").dedicated == period


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tenants.a]\ndedicated_from = 2026-03-01T07:00:00", ["dedicated_from", "with zone"]),
        ("[tenants.a]\ndedicated_from = 'soon'", ["dedicated_from='soon'", "with zone"]),
        (f"[tenants.a]\n{BEGIN}\ndedicated_until = 2026-03-01T06:00:00Z", ["it ends what"]),
        ("[tenants.a]\ndedicated_until = 2026-03-01T06:00:00Z", ["it ends what"]),
        (f"[default]\n{BEGIN}", ["[default] dedicated_from", "no such key"]),
    ],
)
def test_times_that_mean_nothing_are_refused(path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        read_tenants(written(path, f"{text}\n{AGREES}"))
    for word in words:
        assert word in str(caught.value)


def table(tenant: str, *lines: str) -> str:
    return "\n".join([f"[tenants.{tenant!r}]", *lines, AGREES])


def test_a_dedicated_worker_has_a_group_of_its_own_that_begins_at_its_first_time(
    path: Path,
) -> None:
    tenants, events = read_tenants(written(path, table("acme", BEGIN))), Events()
    only = dedication_of(["acme"], tenants, alone=False)
    own = dedicated_settings(Settings(start_from="latest"), only, tenants, events)
    assert own.group_id == "switchboard.acme"
    assert own.start_time() == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert events.count("worker_is_dedicated") == 1


def test_tenants_that_share_a_name_share_workers_and_a_group_that_outlives_their_number(
    path: Path,
) -> None:
    later = BEGIN.replace("2026", "2027")
    banks = "dedicated_to = 'banks'"
    one = read_tenants(written(path, table("a", later, banks)))
    two = read_tenants(written(path, table("a", later, banks) + table("b", BEGIN, banks)))
    for tenants, asked, members in ((one, ["a"], {"a"}), (two, ["a"], {"a", "b"})):
        only = dedication_of(asked, tenants, alone=False)
        assert (only.name, only.tenants) == ("banks", members)
        assert dedicated_settings(Settings(), only, tenants, Events()).group_id == (
            "switchboard.banks"
        )
    assert dedication_of(["b", "a"], two, alone=False) == only
    assert dedicated_settings(Settings(), only, two, Events()).start_time() == datetime(
        2026, 3, 1, 6, tzinfo=UTC
    )


def test_groups_of_different_names_never_have_one_name() -> None:
    names = ["a+b", "a%2Bb", "a b", "a/b", "a.b", "ä"]
    groups = {
        dedicated_settings(
            Settings(), Dedication(name, frozenset({name}), is_alone=True), ALL_ALIKE, Events()
        ).group_id
        for name in names
    }
    assert len(groups) == len(names)
    assert "switchboard.a%2Bb" in groups


def test_a_dedicated_worker_whose_mail_others_answer_too_is_refused_with_the_way_out(
    path: Path,
) -> None:
    tenants = read_tenants(written(path, table("acme", BEGIN) + table("new")))
    for asked in (["new"], ["stranger"]):
        with pytest.raises(SettingsError, match=f"{asked[0]}.*write dedicated_from.*--alone") as no:
            dedication_of(asked, tenants, alone=False)
        assert no.value.exit_code == 2
    with pytest.raises(SettingsError, match=r"acme, new.*write the same dedicated_to"):
        dedication_of(["acme", "new"], tenants, alone=True)


def test_a_worker_that_is_alone_begins_where_the_settings_say_and_needs_no_times() -> None:
    only = dedication_of(["acme"], ALL_ALIKE, alone=True)
    assert only == Dedication("acme", frozenset({"acme"}), is_alone=True)
    own = dedicated_settings(Settings(start_from="latest"), only, ALL_ALIKE, Events())
    assert (own.group_id, own.start_from) == ("switchboard.acme", "latest")


@pytest.mark.parametrize("option", ["--alone", "--tenant=stranger"])
def test_the_command_refuses_a_dedication_that_answers_mail_twice(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["switchboard", "worker", option])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--alone" in capsys.readouterr().err


# Of one hour: `now` is 12:00.
HOURS = {"past": "11:00", "now": "12:00", "soon": "13:00", "later": "14:00"}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def dedicated(begin: str | None, until: str | None = None, to: str | None = None) -> str:
    """acme's table, with hours by name."""
    times = {"from": begin, "until": until}
    lines = [
        f"dedicated_{name} = 2026-03-01T{HOURS[one]}:00Z" for name, one in times.items() if one
    ]
    return table("acme", *lines, *([f"dedicated_to = '{to}'"] if to else []))


def reloaded(path: Path, before: str, after: str) -> tuple[bool, str]:
    """Whether a running worker takes a changed file at `NOW`, and the reason if it does not."""
    now_s, events = [0.0], Events()
    settings = Settings(tenants_file=written(path, before))
    file = TenantsFile(settings, Metrics(), events, lambda: now_s[0], NOW.timestamp)
    first = file.now()
    written(path, after + "# changed\n")
    os.utime(path, (NOW.timestamp() - 60,) * 2)
    now_s[0] = 2
    is_taken = file.now() is not first
    assert events.count("tenants_refused") == (not is_taken)
    return is_taken, str(events.seen[-1][1].get("error"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (dedicated(None), dedicated("soon")),
        (dedicated(None), dedicated("soon", "later", "banks")),
        (dedicated("soon"), dedicated("later")),
        (dedicated("soon"), dedicated(None)),
        (dedicated("soon", to="a"), dedicated("soon", to="b")),
        (dedicated("past"), dedicated("past", "soon")),
        (dedicated("now"), dedicated("now", "later")),
        (dedicated("past", "soon"), dedicated("past", "later")),
        (dedicated("past", "soon"), dedicated("past")),
        (dedicated("past", "now"), dedicated("past", "now")),
        (dedicated(None, to="a"), dedicated(None, to="b")),
    ],
)
def test_times_that_lie_ahead_may_change_while_workers_run(
    path: Path, before: str, after: str
) -> None:
    assert reloaded(path, before, after)[0]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (dedicated(None), dedicated("past"), "has passed"),
        (dedicated(None), dedicated("now"), "has passed"),
        ("[default]\nconsent_to_training = true\n", dedicated("past"), "has passed"),
        (dedicated("soon"), dedicated("past"), "has passed"),
        (dedicated("past"), dedicated(None), "has begun"),
        (dedicated("past"), "[default]\nconsent_to_training = true\n", "has begun"),
        (dedicated("past"), dedicated("soon"), "has begun"),
        (dedicated("past"), dedicated("past", to="banks"), "has begun"),
        (dedicated("past"), dedicated("past", "now"), "has begun"),
        (dedicated("past", "now"), dedicated("past", "soon"), "has begun"),
        (dedicated("past", "now"), dedicated(None), "has begun"),
    ],
)
def test_times_that_have_come_stand_and_the_settings_of_before_stay(
    path: Path, before: str, after: str, reason: str
) -> None:
    is_taken, told = reloaded(path, before, after)
    assert not is_taken
    assert f"[tenants.acme] dedicated_{'from' if 'passed' in reason else '…'}" in told
    assert reason in told


def test_a_dedicated_worker_ends_when_its_name_gets_another_tenant_so_that_it_loads_its_model(
    path: Path,
) -> None:
    banks = "dedicated_to = 'banks'"
    both = table("acme", BEGIN, banks) + table("b", BEGIN.replace("2026", "2927"), banks)
    for alone in (False, True):
        clock = [0.0]
        settings = Settings(tenants_file=written(path, table("acme", BEGIN, banks)))
        file = TenantsFile(settings, Metrics(), Events(), lambda: clock[0])  # noqa: B023  # used in this turn only
        only = dedication_of(["acme"], file.now(), alone=alone)
        rules = TenantRules(file, Loaded(BY_TENANT), LOADED, Events(), only)
        rules.now()
        written(path, both)
        clock[0] = 2
        if alone:
            assert rules.now().tenants.team("banks") == {"acme", "b"}
        else:
            with pytest.raises(FatalError, match="acme, b, not acme; start the worker again"):
                rules.now()


# -- deployments ---------------------------------------------------------------------------------


def test_rules_follow_what_is_live_and_a_plain_name_means_its_live_version(path: Path) -> None:
    live = [Loaded({"default": cast("Any", SUPPORT)})]
    file = TenantsFile(
        Settings(tenants_file=written(path, acme("support"))), Metrics(), Events(), lambda: 0.0
    )
    rules = TenantRules(file, lambda: live[0], LOADED, Events())
    first = rules.now()
    assert first is rules.now(), "the same until something changes"
    assert first.bundle_for("acme") is SUPPORT
    newer: Any = FakeBundle(FakeEncoder(), "default")
    newer.name, newer.version = "support", "2"
    live[0] = Loaded({"default": newer, "globex": cast("Any", OWN)})
    found = [rules.now().bundle_for(name) for name in ("acme", "globex", "other")]
    assert found == [newer, OWN, newer]


def following(path: Path, text: str, live: dict[str, Any], loaded: dict[str, Any]) -> Choice:
    """Rules of a worker that follows deployments."""
    events, clock = Events(), [0.0]
    settings = Settings(tenants_file=written(path, text))
    file = TenantsFile(settings, Metrics(), events, lambda: clock[0])
    models = Loaded(live)
    rules = TenantRules(file, lambda: models, loaded, events)
    return Choice(rules.now, events, path, clock)


def test_a_plain_name_that_is_not_live_is_refused_and_never_the_newest_on_disk(path: Path) -> None:
    text = acme("general")
    with pytest.raises(SettingsError, match=r"is not live; approve a version of it.*NAME/VERSION"):
        following(path, text, {"default": SUPPORT}, {})
    with pytest.raises(SettingsError, match="is live for 'globex' alone"):
        following(path, acme("foreign"), {"default": SUPPORT, "globex": FOREIGN}, {})
    general: Any = Model("general")
    live = {"default": general, "acme": OWN}
    assert following(path, text, live, {}).now().bundle_for("acme") is general
    versioned = following(path, acme("general/2"), live, {"general/2": NEW})
    assert versioned.now().bundle_for("acme") is NEW
