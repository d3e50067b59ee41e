import pytest

from devhost.web.templates import InvalidTemplate, compile_template


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/items/{id}", "/api/items/7", {"id": "7"}),
        ("api/items/{id}", "/API/Items/7", {"id": "7"}),
        ("api/items/{id}", "/api/items/7/", {"id": "7"}),
        ("api/items/{id}", "/api/items", None),
        ("api/items/{id}", "/api/items/7/8", None),
        ("api/items/{id}", "/api//7", None),
        ("api/items", "/api/items//", None),
        ("a/{x?}", "/a", {}),
        ("a/{x?}", "/a/b", {"x": "b"}),
        ("a/{x:int?}", "/a", {}),
        ("a/{x:int?}", "/a/b", None),
        ("a/{x=v}", "/a", {"x": "v"}),
        ("a/{x:int=5}", "/a", {"x": "5"}),
        ("a/{*rest}", "/a", {}),
        ("a/{*rest}", "/a/b/c", {"rest": "b/c"}),
        ("a/{**rest}", "/a/b//c/", {"rest": "b//c/"}),
        ("{*rest}", "/", {}),
        ("{a}-{b}", "/x-y-z", {"a": "x-y", "b": "z"}),
        ("v{major}.{minor}/x", "/v1.2/x", {"major": "1", "minor": "2"}),
        ("f/{name}.{ext?}", "/f/a.b.c", {"name": "a.b", "ext": "c"}),
        ("f/{name}.{ext?}", "/f/abc", {"name": "abc"}),
        ("f/{{x}}", "/f/{x}", {}),
        ("d/{day:regex(^\\d{{2}}$)}", "/d/12", {"day": "12"}),
        ("d/{day:regex(^\\d{{2}}$)}", "/d/123", None),
        ("d/{x:int:min(3)}", "/d/2", None),
        ("d/{x:int:min(3)}", "/d/3", {"x": "3"}),
        ("p/{x}", "/p/a%2Fb", {"x": "a%2Fb"}),
        ("", "/", {}),
        ("", "/a", None),
    ],
)
def test_template_matches_as_on_the_real_host(template, path, values):
    assert compile_template(template).match(path) == values


@pytest.mark.parametrize(
    "template",
    ["api//x", "/x", "a/{", "a/}", "a/{x", "a/{}", "a/{x}{y}", "a/{*p}/b", "a/{x}/{X}", "a/{x?}y", "a/x{y?}",
     "a/{x:nosuch}", "a/{x:length(a)}", "a/{x=1?}", "a/b{*p}", "a/{*p?}", "~/a", "a/{x:regex([)}"],
)  # fmt: skip
def test_invalid_template_is_refused(template):
    with pytest.raises(InvalidTemplate):
        compile_template(template)


def test_refusal_names_the_template_and_the_constraint():
    with pytest.raises(InvalidTemplate, match=r"'a/\{x:nosuch\}' is invalid: the constraint 'nosuch' does not exist"):
        compile_template("a/{x:nosuch}")
