from pathlib import Path

import pytest

from devhost.config.local_settings import LocalSettings, apply_settings, read_local_settings


def read(folder: Path, text: str | bytes) -> LocalSettings:
    path = folder / "local.settings.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_local_settings(path)


def test_a_missing_file_means_no_settings_and_no_warning(tmp_path: Path) -> None:
    assert read_local_settings(tmp_path / "local.settings.json") == LocalSettings()


def test_values_and_host_section_are_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '{"IsEncrypted": false, "Values": {"A": "1"}, "ConnectionStrings": {"Db": "x"},'
        ' "Host": {"LocalHttpPort": 7072, "LocalHttpAddress": "127.0.0.2", "CORS": "http://a, http://b",'
        ' "CORSCredentials": true}}',
    )
    assert settings == LocalSettings(
        values={"A": "1", "ConnectionStrings:Db": "x"},
        port=7072,
        address="127.0.0.2",
        cors=("http://a", "http://b"),
        cors_credentials=True,
    )


def test_numbers_and_booleans_become_text_and_null_is_skipped(tmp_path: Path) -> None:
    settings = read(tmp_path, '{"IsEncrypted": false, "Values": {"I": 7, "F": 1.50, "T": true, "N": null, "E": ""}}')
    assert settings.values == {"I": "7", "F": "1.50", "T": "true", "E": ""}


def test_a_connection_string_may_have_the_long_form(tmp_path: Path) -> None:
    settings = read(
        tmp_path, '{"IsEncrypted": false, "ConnectionStrings": {"Db": {"ConnectionString": "x", "ProviderName": "y"}}}'
    )
    assert settings.values == {"ConnectionStrings:Db": "x"}


def test_a_byte_order_mark_and_comments_are_accepted(tmp_path: Path) -> None:
    settings = read(tmp_path, b'\xef\xbb\xbf{"IsEncrypted": false, /* why */ "Values": {"A": "http://x"}} // end\n')
    assert settings.values == {"A": "http://x"}


def test_a_comma_after_the_last_entry_is_accepted(tmp_path: Path) -> None:
    settings = read(tmp_path, '{"IsEncrypted": false, "Values": {"A": ",}", "B": "2",\n // "C": "3"\n},}')
    assert settings.values == {"A": ",}", "B": "2"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_read_by_its_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    settings = read(tmp_path, '\ufeff{"IsEncrypted": false, "Values": {"A": "é"}}'.encode(encoding))
    assert settings.values == {"A": "é"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"Values": {"A": "1"}}', '"IsEncrypted" is missing, which counts as true'),
        ('{"IsEncrypted": true, "Values": {"A": "1"}}', '"IsEncrypted" is not false'),
        ('{"IsEncrypted": false, "Values": {"A": {"B": "1"}}}', "Values.A holds a nested value"),
        ('{"IsEncrypted": false, "Values": {"A": ["1"]}}', "Values.A holds a nested value"),
        ('{"IsEncrypted": false, "Values": []}', '"Values" must be an object'),
        ('{"IsEncrypted": false, "Values": {,}}', "expecting property name"),
        ('{"IsEncrypted": false, "Values": {"A": "\\ud800"}}', "Values.A cannot be an environment variable"),
        ('{"IsEncrypted": false,\n "Values": {"A": "1",,}}', "line 2"),
        ('{"IsEncrypted": false, "Host": {"LocalHttpPort": "http"}}', "Host.LocalHttpPort is 'http'"),
        ('{"IsEncrypted": false, "Values": {"A=B": "1"}}', "Values.A=B cannot be an environment variable"),
        ("[]", "the document must be an object"),
        ("", "the file is empty"),
        (b"\xfe", "not UTF-8"),
        (b"\xff\xfe{", "not UTF-8"),
    ],
)
def test_an_unusable_file_is_a_warning_and_no_values(tmp_path: Path, text: str | bytes, reason: str) -> None:
    settings = read(tmp_path, text)
    assert settings.values == {}
    assert reason in settings.warnings[0]
    assert str(tmp_path / "local.settings.json") in settings.warnings[0]


def test_a_setting_beside_values_is_named_with_the_cure(tmp_path: Path) -> None:
    text = '{"$schema": "x", "IsEncrypted": false, "AzureWebJobsStorage": "x", "Host": {}, "values": {"A": "1"}}'
    path = tmp_path / "local.settings.json"
    assert read(tmp_path, text) == LocalSettings(
        values={"A": "1"},
        remarks=(
            f'\'AzureWebJobsStorage\' in {path} stands outside of "Values" and has no effect; move it into "Values".',
        ),
    )


def test_a_non_empty_variable_wins_and_is_reported() -> None:
    environ = {"A": "shell", "B": ""}
    skipped = apply_settings({"A": "file", "B": "file", "C": "file"}, environ)
    assert skipped == ("A",)
    assert environ == {"A": "shell", "B": "file", "C": "file"}
