"""A worker process like `switchboard worker --walk-only`, with a model that needs no files: for tests that end it.

`python -m tests.fake_worker`; settings from the environment, and beside them `SWITCHBOARD_RECORD_S`: device time
of a record, `SWITCHBOARD_HANGS=0`: the model gets over the word that lets it hang.
"""

import os

from stream.logs import by_event, configure_logs
from stream.metrics import Metrics
from stream.process import end_process
from stream.settings import load_settings
from stream.worker import PinnedModels, WalkService, run_worker
from tests.walking import FakeBundle, FakeEncoder, make_engine


def main() -> int:
    """Run until it is told to stop, or ended."""
    settings = load_settings()
    log = by_event(configure_logs(settings))
    metrics = Metrics()
    encoder = FakeEncoder(
        float(os.environ.get("SWITCHBOARD_RECORD_S", "0")),
        hangs=os.environ.get("SWITCHBOARD_HANGS") != "0",
    )
    bundles = {"default": FakeBundle(encoder), "acme": FakeBundle(encoder, "acme")}
    engine = make_engine(bundles, settings, metrics)
    return run_worker(lambda: WalkService(settings, PinnedModels(engine), metrics, log))


if __name__ == "__main__":
    end_process(main())
