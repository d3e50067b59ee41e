"""This repository's app with a defect: it publishes a snapshot as soon as one of its batches is there."""

import importlib.util
import sys
from pathlib import Path

import scraper.settings as repository

ROOT = repository.APP_ROOT
sys.path.insert(0, str(ROOT))

from activities import batches  # noqa: E402
from scraper import clock  # noqa: E402
from storage.keys import epoch_of  # noqa: E402

_record = batches._record


async def _record_and_publish(store, work):
    counted, snapshot = await _record(store, work), work.snapshot
    source, run = snapshot.partition("~")[0], await store.runs.of_epoch(epoch_of(snapshot))
    await store.datasets.publish(
        source, epoch=run.epoch, snapshot=snapshot, run_id=run.run_id, at=clock.utc_now(), counts=(1, 0, 1)
    )
    return counted


batches._record = _record_and_publish
_spec = importlib.util.spec_from_file_location("the_app", Path(ROOT) / "function_app.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
app = _module.app
