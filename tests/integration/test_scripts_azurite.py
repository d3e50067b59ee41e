"""Azurite as the scripts start it."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient

from scripts import azurite as azurite_script
from scripts.azurite import start_azurite
from scripts.processes import ChildFailed, Supervisor
from tests.helpers.azurite import running_azurite


def table_names(connection_string: str) -> list[str]:
    with TableServiceClient.from_connection_string(connection_string) as service:
        return sorted(table.name for table in service.list_tables())


def make_table(connection_string: str, name: str) -> None:
    with TableServiceClient.from_connection_string(connection_string) as service, service.create_table(name):
        pass


def test_the_session_s_azurite_takes_tables(azurite: str, table_prefix: str) -> None:
    make_table(azurite, f"{table_prefix}rows")
    assert f"{table_prefix}rows" in table_names(azurite)


def test_data_in_a_folder_survives_a_restart(tmp_path: Path) -> None:
    with running_azurite(tmp_path / "first", location=tmp_path / "data") as connection_string:
        make_table(connection_string, "kept")
    with running_azurite(tmp_path / "second", location=tmp_path / "data") as connection_string:
        assert table_names(connection_string) == ["kept"]


def test_two_at_once_share_neither_port_nor_data(supervisor: Supervisor, azurite: str) -> None:
    other = start_azurite(supervisor, location=None).connection_string
    make_table(other, "mine")
    assert "mine" not in table_names(azurite)


def test_a_missing_installation_names_the_cure(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azurite_script, "AZURITE_SCRIPT", tmp_path / "azurite.js")
    with pytest.raises(ChildFailed, match="run: make setup"):
        start_azurite(supervisor, location=None)
