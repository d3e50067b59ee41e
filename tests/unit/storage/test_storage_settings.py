"""What the storage package says when the settings name no account that it can use."""

import pytest

from storage.__main__ import main

BROKEN = ["…", "AccountKey", "AccountName=mine;AccountKey"]


@pytest.mark.parametrize("connection", BROKEN)
def test_a_connection_string_that_cannot_be_read_is_one_line_that_names_the_setting(
    connection: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", connection)
    code = main(["datasets"])
    assert code == 1
    assert capsys.readouterr().err == (
        "error: AzureWebJobsStorage is not a connection string: it looks like 'Name=value;…'\n"
    )
