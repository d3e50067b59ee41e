"""Datasets as JSON."""

from typing import Any

import azure.functions as func

from storage.data.dataset import Dataset
from storage.data.publications import Publication
from triggers.datasets.lookup import dataset_links


def dataset_view(req: func.HttpRequest, dataset: Dataset) -> dict[str, Any]:
    """One dataset: what readers see of it."""
    links = dataset_links(req, dataset.source)
    return {"source": dataset.source, "published": published_view(dataset), "links": links}


def published_view(dataset: Dataset) -> dict[str, Any] | None:
    """What is published; None if nothing is."""
    if not dataset.snapshot or dataset.published_at is None:
        return None
    if dataset.publications:
        return publication_view(dataset.publications[0])
    # An older version of this app has published it, which kept no history.
    counts = (dataset.pages, dataset.failed, dataset.rows)
    return publication_view(Publication(dataset.run_id, dataset.epoch, dataset.published_at, *counts))


def publication_view(one: Publication) -> dict[str, Any]:
    """One publication: of which run, when, by whom, and how much it is."""
    return {
        "runId": one.run_id,
        "epoch": one.epoch,
        "publishedAt": one.at.isoformat(),
        "publishedBy": one.by,
        "overridden": one.overridden or None,
        **{name: getattr(one, name) for name in ("pages", "failed", "rows")},
    }
