"""The table of accepted annotations was tried on the real worker's registry (functions-host facts, 1.3)."""

import typing

import azure.functions as func
import pytest

from devhost.functions.signatures import Signature, SignatureError, check_signature


class Row(typing.TypedDict):
    x: int


class Own:
    pass


HTTP = (
    {"type": "httpTrigger", "name": "x", "direction": "IN"},
    {"type": "http", "name": "$return", "direction": "OUT"},
)
TIMER = ({"type": "timerTrigger", "name": "x", "direction": "IN"},)
QUEUE = ({"type": "queueTrigger", "name": "x", "direction": "IN"},)
ACTIVITY = ({"type": "activityTrigger", "name": "x", "direction": "IN"},)
KINDS = {"http": HTTP, "timer": TIMER, "queue": QUEUE, "activity": ACTIVITY}
OWN_TYPES = {"http": func.HttpRequest, "timer": func.TimerRequest, "queue": func.QueueMessage, "activity": object}


def check_annotation(bindings, annotation) -> Signature:
    def function(x):
        raise NotImplementedError

    function.__annotations__["x"] = annotation
    return check_signature("f", function, bindings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("annotation", [str, bytes])
def test_text_loads_on_every_trigger(kind, annotation):
    check_annotation(KINDS[kind], annotation)


@pytest.mark.parametrize("kind", KINDS)
def test_own_type_of_the_library_loads(kind):
    check_annotation(KINDS[kind], OWN_TYPES[kind])


@pytest.mark.parametrize("annotation", [dict, list, int, Row, Own, typing.Dict[str, int], typing.List[str], typing.Any])  # noqa: UP006
def test_any_class_and_old_generics_load_on_an_activity(annotation):
    check_annotation(ACTIVITY, annotation)


@pytest.mark.parametrize("kind", ["http", "timer", "queue"])
@pytest.mark.parametrize("annotation", [dict, list, int, Row, Own, typing.Dict[str, int], typing.List[str], typing.Any])  # noqa: UP006
def test_other_types_are_refused_elsewhere(kind, annotation):
    with pytest.raises(SignatureError, match="does not match its Python annotation"):
        check_annotation(KINDS[kind], annotation)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("annotation", [dict[str, int], list[str], int | None, typing.Optional[str]])  # noqa: UP045
def test_new_generics_and_unions_are_refused_everywhere(kind, annotation):
    with pytest.raises(SignatureError, match="invalid non-type annotation"):
        check_annotation(KINDS[kind], annotation)


@pytest.mark.row("host/1.3/names-function")
def test_refusal_names_function_and_parameter():
    with pytest.raises(SignatureError, match="cannot load the f function: the parameter 'x' has the annotation"):
        check_annotation(ACTIVITY, list[str])


@pytest.mark.row("host/1.3/raw-text")
def test_text_on_a_timer_arrives_raw():
    assert check_annotation(TIMER, str).raw_parameters == {"x"}


def test_text_on_an_activity_is_converted():
    assert check_annotation(ACTIVITY, str).raw_parameters == frozenset()


@pytest.mark.row("host/1.3/return-of-route")
@pytest.mark.parametrize("annotation", [None, dict, bytes, typing.Optional[str], typing.Any])  # noqa: UP045
def test_wrong_return_annotation_of_a_route_is_refused(annotation):
    def function(x): ...

    function.__annotations__["return"] = annotation
    with pytest.raises(SignatureError, match="return annotation"):
        check_signature("f", function, HTTP)


@pytest.mark.row("host/1.3/return-of-route")
@pytest.mark.parametrize("annotation", [func.HttpResponse, str])
def test_return_annotation_of_a_route_may_be_a_response_or_text(annotation):
    def function(x): ...

    function.__annotations__["return"] = annotation
    assert check_signature("f", function, HTTP).has_return_binding


@pytest.mark.row("host/1.3/return-elsewhere")
def test_return_annotation_elsewhere_is_not_checked():
    def function(x) -> dict[str, int] | None: ...

    check_signature("f", function, ACTIVITY)


@pytest.mark.row("host/1.3/parameter-without-binding")
def test_parameter_without_binding_is_refused_despite_its_default():
    def function(x, y=1): ...

    with pytest.raises(SignatureError, match="the parameters 'y' belong to no binding"):
        check_signature("f", function, HTTP)


@pytest.mark.row("host/1.3/parameter-without-binding")
def test_keyword_arguments_are_refused():
    def function(x, **rest): ...

    with pytest.raises(SignatureError, match="the parameters 'rest' belong to no binding"):
        check_signature("f", function, HTTP)


@pytest.mark.row("host/1.3/binding-without-parameter")
def test_binding_without_parameter_is_refused():
    def function(): ...

    with pytest.raises(SignatureError, match="the bindings 'x' have no parameter"):
        check_signature("f", function, HTTP)


@pytest.mark.row("host/1.3/context")
def test_unclaimed_context_parameter_gets_the_invocation_context():
    def function(x, context: func.Context): ...

    assert check_signature("f", function, HTTP).wants_context


@pytest.mark.row("host/1.3/context")
def test_context_parameter_with_another_annotation_is_refused():
    def function(x, context: dict): ...

    with pytest.raises(SignatureError, match="the parameter 'context' belongs to no binding"):
        check_signature("f", function, HTTP)


@pytest.mark.row("host/1.3/unresolvable")
def test_unresolvable_annotation_is_refused():
    def function(x: "NoSuchName"): ...  # noqa: F821

    with pytest.raises(SignatureError, match=r"an annotation cannot be resolved \(NameError"):
        check_signature("f", function, HTTP)


@pytest.mark.row("host/1.3/inout")
def test_inout_binding_is_refused():
    with pytest.raises(SignatureError, match="inout"):
        check_annotation(({"type": "httpTrigger", "name": "x", "direction": "INOUT"},), str)


@pytest.mark.row("host/1.3/out-annotation")
def test_in_binding_annotated_out_is_refused():
    with pytest.raises(SignatureError, match=r"is annotated func.Out, but its binding is an input"):
        check_annotation(HTTP, func.Out[str])


@pytest.mark.row("host/1.3/out-annotation")
def test_out_binding_without_out_is_refused():
    with pytest.raises(SignatureError, match="belongs to an out binding"):
        check_annotation(({"type": "http", "name": "x", "direction": "OUT"},), str)


@pytest.mark.row("host/1.3/out-annotation")
def test_bare_out_is_refused():
    with pytest.raises(SignatureError, match="without one type"):
        check_annotation(({"type": "http", "name": "x", "direction": "OUT"},), func.Out)


def test_orchestrator_with_another_context_name_is_refused():
    def function(context): ...

    with pytest.raises(SignatureError, match="Write context_name='context'"):
        check_signature("f", function, ({"type": "orchestrationTrigger", "name": "ctx", "direction": "IN"},))
