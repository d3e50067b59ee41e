"""What is measured. Each measurement is made by whoever wrote the record that decides, so none is made twice."""

from typing import Final

from opentelemetry.metrics import MeterProvider

RUN_SECONDS: Final = (1, 5, 15, 60, 180, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 57_600)
BATCH_SECONDS: Final = (0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1200)


class Instruments:
    """The counters and histograms of the app; docs/telemetry.md says what each counts."""

    def __init__(self, meters: MeterProvider) -> None:
        meter = meters.get_meter("daily_scrape")
        self.pages = meter.create_counter("daily_scrape.pages", "{page}", "Pages of recorded batches, by outcome")
        self.rows = meter.create_counter("daily_scrape.rows", "{row}", "Rows of recorded batches")
        self.failures = meter.create_counter("daily_scrape.page_failures", "{page}", "Failed pages, by reason")
        self.runs = meter.create_counter("daily_scrape.runs", "{run}", "Runs that have ended, by outcome")
        self.sources = meter.create_counter("daily_scrape.sources", "{source}", "Sources of ended runs, by outcome")
        self.skipped = meter.create_counter(
            "daily_scrape.skipped_starts", "{start}", "Starts that did not happen, by reason"
        )
        self.run_duration = meter.create_histogram(
            "daily_scrape.run.duration", "s", "From claim to end", explicit_bucket_boundaries_advisory=RUN_SECONDS
        )
        self.batch_duration = meter.create_histogram(
            "daily_scrape.batch.duration",
            "s",
            "The attempt that counts, pauses of the site not included",
            explicit_bucket_boundaries_advisory=BATCH_SECONDS,
        )
