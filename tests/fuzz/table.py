"""All readers of foreign bytes. A new one belongs here."""

from __future__ import annotations

from tests.fuzz.answer_readers import ANSWER_READERS
from tests.fuzz.list_readers import LIST_READERS
from tests.fuzz.page_readers import PAGE_READERS

READERS = (*PAGE_READERS, *LIST_READERS, *ANSWER_READERS)
