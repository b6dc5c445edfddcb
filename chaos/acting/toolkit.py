"""Toolkit: one activity of a Chaos Toolkit experiment as actions of ours, or why it can't be one.

What an activity means there: https://chaostoolkit.org/reference/api/experiment/. Statuses of its actions are not
looked at there, nor are they here. Redirects are not followed here.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from chaos.acting.actions import Action, Http, Pause, Run

FIELDS = {"name", "type", "provider", "tolerance", "pauses", "secrets", "background"}
PROVIDERS = {
    "process": {"type", "path", "arguments", "timeout", "secrets"},
    "http": {"type", "url", "method", "headers", "arguments", "timeout", "verify_tls", "max_retries", "secrets"},
    "python": {"type", "module", "func", "arguments", "secrets"},
}
MOST_STATUSES = 1000


class CannotError(ValueError):
    """Something of an activity can't be honoured. place: where in the activity it is."""

    def __init__(self, message: str, *place: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Values:
    """What `${name}` stands for. late: with `${env.NAME}` for what the environment has; early: with its value.

    configuration, secrets: as the file has them, for python providers.
    """

    late: Mapping[str, Any] = field(default_factory=dict)
    early: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict)

    def put(self, node: Any, early: bool = False) -> Any:
        """The tree with every name that is known replaced; a text that is nothing but a name becomes its value."""
        known = self.early if early else self.late
        if isinstance(node, str):
            return known[node[2:-1]] if node[:2] == "${" and node[2:-1] in known else _filled(node, known)
        if isinstance(node, Mapping):
            return {str(key): self.put(value, early) for key, value in node.items()}
        return [self.put(one, early) for one in node] if isinstance(node, list) else node


def _filled(text: str, known: Mapping[str, Any]) -> str:
    return Template(text).safe_substitute(known) if known else text


def actions(activity: Mapping[str, Any], values: Values, role: str) -> list[Action]:
    """The activity, with its pauses. role: of `method`, `rollbacks` or `probes`. Raises CannotError."""
    _only(activity, FIELDS)
    if activity.get("background"):
        raise CannotError("activities in the background can't be honoured; write its end as an action", "background")
    provider = activity.get("provider")
    if not isinstance(provider, Mapping) or provider.get("type") not in PROVIDERS:
        raise CannotError(f"wants a provider of type {', '.join(PROVIDERS)}", "provider", "type")
    _only(provider, PROVIDERS[provider["type"]], "provider")
    before, after = (_pause(activity, name) for name in ("before", "after"))
    return [*before, _action(activity, provider, values, role), *after]


def _action(activity: Mapping[str, Any], provider: Mapping[str, Any], values: Values, role: str) -> Action:
    make = {"process": _process, "http": _http, "python": _python}[provider["type"]]
    try:
        return make(activity, provider, values, role)
    except ValidationError as error:
        said = "; ".join(row["msg"].removeprefix("Value error, ") for row in error.errors())
        raise CannotError(said, "provider") from None


def _process(activity: Mapping[str, Any], provider: Mapping[str, Any], values: Values, role: str) -> Action:
    path = str(Path(str(values.put(provider.get("path", "")))).expanduser())
    if shutil.which(path) is None:
        raise CannotError(f"there is no program {path} on PATH; install it, or write its path", "provider", "path")
    arguments = values.put(provider.get("arguments") or [])
    if isinstance(arguments, str):
        words = ["sh", "-c", f"{path} {arguments}"]
    else:
        if isinstance(arguments, Mapping):
            arguments = [word for pair in arguments.items() for word in pair]
        words = [path, *(str(word) for word in arguments if word not in (None, ""))]
    expected = _expected(activity, values, role, "stdout")
    return Run.model_validate({"run": words, **expected, **_timeout(provider)})


def _http(activity: Mapping[str, Any], provider: Mapping[str, Any], values: Values, role: str) -> Action:
    if provider.get("verify_tls", True) is not True:
        raise CannotError("certificates are always checked", "provider", "verify_tls")
    if provider.get("max_retries"):
        raise CannotError("requests are not repeated; leave it out", "provider", "max_retries")
    method = str(provider.get("method", "GET")).upper()
    headers = {name: str(value) for name, value in (values.put(provider.get("headers") or {})).items()}
    request: dict[str, Any] = {"method": method, "url": values.put(provider.get("url"), early=True), "headers": headers}
    if arguments := values.put(provider.get("arguments")):
        if method == "GET":
            request["url"] += ("&" if "?" in request["url"] else "?") + _form(arguments)
        elif headers.get("Content-Type") == "application/json":
            request["json"] = arguments
        elif isinstance(arguments, str):
            request["text"] = arguments
        else:
            request["text"] = _form(arguments)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return Http.model_validate({"http": request, **_expected(activity, values, role, "body"), **_timeout(provider)})


def _python(activity: Mapping[str, Any], provider: Mapping[str, Any], values: Values, role: str) -> Action:
    if (obstacle := no_python()) is not None:
        raise CannotError(obstacle, "provider", "type")
    if role == "probes" and "tolerance" not in activity:
        raise CannotError("a probe of the hypothesis wants a tolerance")
    given = {"activity": activity, "configuration": values.configuration, "secrets": values.secrets}
    if role != "probes":
        given["activity"] = {name: value for name, value in activity.items() if name != "tolerance"}
    words = [sys.executable, "-m", "chaos.acting.toolkit_python", json.dumps(given)]
    return Run(run=words, status="any" if role == "rollbacks" else [0])


def no_python() -> str | None:
    """Why python providers can't be honoured here; None when they can."""
    if sys.version_info < (3, 12):
        return "python providers need Python 3.12 and flashcrowd[chaostoolkit]; make an environment of it"
    if importlib.util.find_spec("chaoslib") is None:
        return "python providers need Chaos Toolkit's library; install flashcrowd[chaostoolkit]"
    return None


def _expected(activity: Mapping[str, Any], values: Values, role: str, output: str) -> dict[str, Any]:
    """What is expected of a probe of the hypothesis, by its tolerance; nothing of anything else."""
    if role != "probes":
        return {"status": "any"}
    tolerance = values.put(activity.get("tolerance"), early=True)
    match tolerance:
        case None:
            raise CannotError("a probe of the hypothesis wants a tolerance")
        case bool():
            pass
        case int():
            return {"status": [tolerance]}
        case list() if tolerance and all(isinstance(one, int) for one in tolerance):
            return {"status": tolerance}
        case {"type": "regex", "pattern": str(pattern), "target": target} if target == output:
            return {"status": "any", "matches": pattern}
        case {"type": "range", "range": [int(least), int(most)], "target": "status"} if most - least < MOST_STATUSES:
            return {"status": list(range(least, most + 1))}
    raise CannotError(
        f"can't be honoured; wants a status, a list of them, {{type: range, target: status}}, or {{type: regex, "
        f"target: {output}}}",
        "tolerance",
    )


def _timeout(provider: Mapping[str, Any]) -> dict[str, Any]:
    timeout = provider.get("timeout")
    if timeout is None:
        return {}
    if not isinstance(timeout, int | float) or isinstance(timeout, bool):
        raise CannotError("wants seconds", "provider", "timeout")
    return {"timeout": f"{timeout}s"}


def _pause(activity: Mapping[str, Any], name: str) -> Sequence[Pause]:
    seconds = (activity.get("pauses") or {}).get(name)
    if seconds is None:
        return []
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise CannotError("wants seconds", "pauses", name)
    return [Pause(pause=f"{seconds}s")] if seconds else []


def _form(arguments: Any) -> str:
    """As a form is sent; `${env.NAME}` stays itself."""
    if not isinstance(arguments, Mapping):
        raise CannotError("wants a mapping", "provider", "arguments")
    return urlencode(arguments, doseq=True, safe="${}", quote_via=quote)


def _only(node: Mapping[str, Any], known: set[str], *place: str) -> None:
    for name in node:
        if name not in known:
            raise CannotError("can't be honoured; leave it out", *place, name)
