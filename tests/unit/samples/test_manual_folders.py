import pytest

from samples.manuals.folders import FolderError, html_files, parse_folders, served_file


@pytest.fixture
def manual(tmp_path):
    """A folder `manual/html` beside a secret, with links that lead out of it."""
    root = tmp_path / "manual" / "html"
    (root / "tutorial").mkdir(parents=True)
    (root / "index.html").write_text("<h1>Manual</h1>")
    (root / "tutorial" / "a b&c.html").write_text("<h1>Odd name</h1>")
    (root / "style.css").write_text("h1{}")
    (tmp_path / "secret.html").write_text("secret")
    (root / "leak.html").symlink_to(tmp_path / "secret.html")
    return root


def test_a_folder_called_html_is_named_after_the_one_above(manual):
    assert [folder.name for folder in parse_folders([str(manual)])] == ["manual"]


def test_a_name_can_be_given(manual):
    assert [folder.name for folder in parse_folders([f"mine={manual}"])] == ["mine"]


def test_two_folders_of_one_name_are_refused(manual):
    with pytest.raises(FolderError, match="would both be manual: call one of them NAME=DIR"):
        parse_folders([str(manual), str(manual)])


def test_a_missing_folder_is_named(manual):
    with pytest.raises(FolderError, match=r"html/nothing is no folder"):
        parse_folders([str(manual / "nothing")])


@pytest.mark.parametrize("name", ["a/b", "..", "", "sitemaps"])
def test_a_name_that_is_no_path_segment_is_refused(manual, name):
    with pytest.raises(FolderError, match="cannot be served as"):
        parse_folders([f"{name}={manual}"])


def test_only_html_files_inside_the_folder_are_listed_percent_encoded(manual):
    (folder,) = parse_folders([str(manual)])
    assert [file.url_path for file in html_files(folder)] == [
        "/manual/index.html",
        "/manual/tutorial/a%20b%26c.html",
    ]


@pytest.mark.parametrize(
    "relative",
    [
        "../../secret.html",
        "tutorial/../../../secret.html",
        "leak.html",
        "/etc/passwd",
        "nothing.html",
        "a\0.html",
        "..",
    ],
)
def test_nothing_outside_the_folder_is_served(manual, relative):
    (folder,) = parse_folders([str(manual)])
    assert served_file(folder, relative) is None


def test_a_folder_is_served_by_its_index(manual):
    (folder,) = parse_folders([str(manual)])
    assert served_file(folder, "") == manual / "index.html"
    assert served_file(folder, "tutorial/a b&c.html") == manual / "tutorial" / "a b&c.html"
