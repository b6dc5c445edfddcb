"""Message: what Alertmanager's webhook sends (version 4), read strictly and within bounds.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. Whoever can raise an alert writes its labels
and annotations: they are data here, of bounded size, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Literal

import msgspec

MOST_BYTES = 1_048_576
"""Of a whole message. A group of 256 ordinary alerts has about 250,000."""

MOST_ALERTS = 256
MOST_LABELS = 64
"""Labels, and annotations, of one alert."""

LONGEST_NAME = 256
LONGEST_VALUE = 8_192
"""Characters of a name, and of a value: as many as reach a script (`labels.LONGEST`)."""


class RefusedMessageError(Exception):
    """A message that isn't taken. status: of the HTTP answer. outcome: the word for it in metrics and the log."""

    def __init__(self, status: int, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.outcome = status, outcome


class Alert(msgspec.Struct, frozen=True):
    """One alert of a message. fingerprint: Alertmanager's own, for people."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: datetime = msgspec.field(name="startsAt")
    annotations: dict[str, str] = {}
    ends_at: datetime | None = msgspec.field(name="endsAt", default=None)
    generator_url: str = msgspec.field(name="generatorURL", default="")
    fingerprint: str = ""

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")

    @property
    def key(self) -> str:
        """Which activation of which alert this is: a hash of its labels and of when it began.

        The labels are hashed anew: `fingerprint` is whatever the sender says.
        """
        text = json.dumps([sorted(self.labels.items()), round(self.starts_at.timestamp(), 3)])
        return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:24]

    @property
    def group(self) -> str:
        """What belongs to one incident: all alerts of one SLO; else each alert is one of its own."""
        slo = self.labels.get("sloth_slo")
        return json.dumps(["slo", self.labels.get("sloth_service", ""), slo]) if slo else self.key


class Message(msgspec.Struct, frozen=True):
    """A whole message. Fields that newer versions of Alertmanager add are passed over."""

    version: str
    alerts: list[Alert]
    truncated: int = msgspec.field(name="truncatedAlerts", default=0)


_decoder = msgspec.json.Decoder(Message)


def read(body: bytes) -> Message:
    """The message in a request's body.

    Raises:
        RefusedMessageError: it is none, of another version, or too large.
    """
    if len(body) > MOST_BYTES:
        raise RefusedMessageError(413, "too_large", f"more than {MOST_BYTES} bytes")
    try:
        message = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise RefusedMessageError(400, "malformed", f"not a message of Alertmanager: {error}") from None
    if message.version != "4":
        raise RefusedMessageError(400, "malformed", f"version {message.version[:20]!r} of the webhook; it has to be 4")
    _check(message)
    return message


def _check(message: Message) -> None:
    if len(message.alerts) > MOST_ALERTS:
        raise _large(f"{len(message.alerts)} alerts, more than {MOST_ALERTS}; set max_alerts in the receiver")
    for alert in message.alerts:
        if not alert.name:
            raise RefusedMessageError(400, "malformed", "an alert without the label alertname")
        if alert.starts_at.tzinfo is None:
            raise RefusedMessageError(400, "malformed", "a startsAt without its time zone")
        for texts in (alert.labels, alert.annotations):
            if len(texts) > MOST_LABELS:
                raise _large(f"an alert with {len(texts)} labels or annotations, more than {MOST_LABELS}")
            if any(len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE for name, value in texts.items()):
                raise _large(f"a label or annotation of more than {LONGEST_VALUE} characters")
        if max(len(alert.generator_url), len(alert.fingerprint)) > LONGEST_VALUE:
            raise _large(f"a text of more than {LONGEST_VALUE} characters")


def _large(reason: str) -> RefusedMessageError:
    return RefusedMessageError(413, "too_large", reason)
