import pytest

from devhost.web.constraints import UnknownConstraint, compile_constraint


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        ("int", "7"), ("int", "-7"), ("int", "+7"), ("int", "2147483647"), ("INT", "007"),
        ("long", "2147483648"), ("long", "-9223372036854775808"),
        ("bool", "true"), ("bool", "FALSE"),
        ("guid", "01234567-89ab-cdef-0123-456789ABCDEF"), ("guid", "0123456789abcdef0123456789abcdef"),
        ("guid", "{01234567-89ab-cdef-0123-456789abcdef}"),
        ("decimal", "1,000.5"), ("decimal", "-.5"), ("decimal", "1."),
        ("double", "1e5"), ("float", "-Infinity"), ("double", "NaN"),
        ("datetime", "2026-11-03"), ("datetime", "2026-11-03T10:00:00Z"), ("datetime", "11-03-2026 10:00"),
        ("minlength(2)", "ab"), ("maxlength(2)", "ab"), ("length(2)", "ab"), ("length(1,3)", "abc"),
        ("min(3)", "3"), ("max(3)", "3"), ("range(1, 3)", "1"), ("range(1,3)", "3"), ("min(-5)", "-5"),
        ("alpha", "aZ"), ("regex(^a)", "Abc"), ("regex(b)", "abc"), ("required", "x"),
        ("file", "a.txt"), ("file", ".env"), ("file", "x/a.b"), ("nonfile", "a"), ("nonfile", "a."),
    ],
)  # fmt: skip
def test_value_is_accepted(constraint, value):
    assert compile_constraint(constraint)(value)


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        ("int", "2147483648"), ("int", "1.0"), ("int", "x"), ("int", ""), ("int", "٣"),
        ("long", "9223372036854775808"),
        ("bool", "1"), ("bool", "yes"),
        ("guid", "0123"), ("guid", "{0123456789abcdef0123456789abcdef"),
        ("decimal", "1e5"), ("decimal", "NaN"), ("decimal", "+1-"), ("double", "1f"),
        ("datetime", "tomorrow"), ("datetime", "2026-13-01"), ("datetime", "7"),
        ("minlength(2)", "a"), ("maxlength(2)", "abc"), ("length(2)", "abc"), ("length(1,3)", "abcd"),
        ("min(3)", "2"), ("max(3)", "4"), ("range(1,3)", "0"), ("min(3)", "x"),
        ("alpha", "a1"), ("alpha", "é"), ("regex(^a)", "ba"), ("required", ""),
        ("file", "a"), ("file", "a."), ("nonfile", "a.txt"),
    ],
)  # fmt: skip
def test_value_is_refused(constraint, value):
    assert not compile_constraint(constraint)(value)


@pytest.mark.parametrize("text", ["nosuch", "int(3)", "min", "min(a)", "length(1,2,3)", "min(3", "regex([)", ""])
def test_constraint_that_does_not_exist_is_an_error(text):
    with pytest.raises(UnknownConstraint):
        compile_constraint(text)
