"""The switch: who sends, and where to. Off unless the settings of the Functions worker say otherwise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry import trace

from scraper.run_log import one_line, run_logger
from scraper.settings import Settings, TelemetryMode
from telemetry.run_ids import with_given_ids

if TYPE_CHECKING:  # an app that sends nothing does not load these
    from opentelemetry.metrics import MeterProvider

    from telemetry.instruments import Instruments

LONGEST_FAULT: Final = 500
logger = run_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """What spans and measurements go through. `app` tells this app from others that send to the same place."""

    tracer: trace.Tracer
    instruments: "Instruments"
    app: str


class _Switch:
    sender: Sender | None = None
    mode: TelemetryMode = "off"
    fault: str = ""


_switch: Final = _Switch()


def sender() -> Sender | None:
    """What to send with; None while telemetry is off."""
    return _switch.sender


def switch_on(settings: Settings) -> None:
    """Send what the app does, if the settings say so. A switch that does not work is logged, and the app works."""
    _switch.mode, _switch.fault = "off", ""
    mode = settings.telemetry_mode
    if mode == "off":
        return
    try:
        from opentelemetry import metrics

        from telemetry import exporting

        exporting.ensure_sdk(mode)
        send_to(trace.get_tracer_provider(), metrics.get_meter_provider(), app=app_identity(settings))
        _switch.mode = mode
    except Exception as fault:  # noqa: BLE001 - without telemetry an app is still an app
        _switch.fault = one_line(f"{type(fault).__name__}: {fault}", LONGEST_FAULT)
        logger.error("telemetry is off: %s: %s", type(fault).__name__, fault)


def send_to(tracers: trace.TracerProvider, meters: "MeterProvider", *, app: str = "") -> None:
    """Send through these from here on, in this process."""
    from telemetry.instruments import Instruments

    _switch.sender = Sender(with_given_ids(tracers.get_tracer("daily_scrape")), Instruments(meters), app)


def switch_off() -> None:
    """Send nothing any more."""
    _switch.sender, _switch.mode, _switch.fault = None, "off", ""


def state() -> tuple[TelemetryMode, str]:
    """Where traces and metrics of this process really go, and why nowhere if the settings want another place."""
    return _switch.mode, _switch.fault


def app_identity(settings: Settings) -> str:
    """The same in every process of the app, and another one for every other app: its tables. Never a secret."""
    place = settings.table_storage()
    account = place.account_url or ""
    for part in (place.connection_string or "").split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() in {"accountname", "tableendpoint"}:
            account += f"{value};"
    return f"{account}{settings.table_prefix}"
