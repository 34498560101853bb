"""A worker's `/metrics` at a moment, and what grew between two of them: means and quantiles of its histograms."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Scrape:
    """Samples by name and labels."""

    samples: Mapping[Series, float]

    def since(self, before: "Scrape") -> "Scrape":
        """What the counters grew by."""
        return Scrape(
            {key: value - before.samples.get(key, 0.0) for key, value in self.samples.items()}
        )

    def value(self, name: str, **labels: str) -> float:
        """One sample; 0 where there is none."""
        return self.samples.get((f"switchboard_{name}", tuple(sorted(labels.items()))), 0.0)

    def mean_s(self, name: str, unit: str = "seconds", **labels: str) -> float:
        """Mean of a histogram, in its unit; 0 without values."""
        count = self.value(f"{name}_{unit}_count", **labels)
        return self.value(f"{name}_{unit}_sum", **labels) / count if count else 0.0

    def quantile_s(self, name: str, share: float, **labels: str) -> float:
        """Quantile of a histogram, linear inside its bucket, as Prometheus' `histogram_quantile`."""
        series, wanted = f"switchboard_{name}_seconds_bucket", set(labels.items())
        buckets = sorted(
            (float(dict(found)["le"]), count)
            for (sample, found), count in self.samples.items()
            if sample == series and wanted <= set(found)
        )
        if not buckets or not buckets[-1][1]:
            return 0.0
        rank, below, lower_s = share * buckets[-1][1], 0.0, 0.0
        for upper_s, count in buckets:
            if count >= rank:
                inside = (rank - below) / (count - below)
                return (
                    lower_s if upper_s == float("inf") else lower_s + inside * (upper_s - lower_s)
                )
            below, lower_s = count, upper_s
        return lower_s


def scrape(port: int) -> Scrape:
    """Read a worker on this machine."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return Scrape(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )
