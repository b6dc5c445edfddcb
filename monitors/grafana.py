"""Grafana: dashboards pushed over its HTTP API, through the package grafana-api.

https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#create--update-dashboard
A dashboard that is there already is somebody's work: it is replaced only where that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from grafana_api.grafana_api import GrafanaException  # type: ignore[import-untyped]
from grafana_api.grafana_face import GrafanaFace  # type: ignore[import-untyped]

from flashcrowd import masking
from flashcrowd.errors import FlashcrowdError, InputError, NeedError
from monitors.dashboards.frame import parsed

TIMEOUT = 10.0
"""Seconds for an answer. Nothing is sent twice: Grafana may have taken what it didn't answer."""

MESSAGE = "flashcrowd slo dashboard"


@dataclass(frozen=True)
class Pushed:
    """A dashboard that Grafana took. url: where it is shown."""

    uid: str
    url: str
    version: int


class Grafana:
    """A Grafana that dashboards are pushed to.

    url: its address, a path prefix included. token: of a service account that may write dashboards; masked wherever
    this process writes.

    Raises:
        InputError: the URL isn't one, or has a password in it; the token is empty.
    """

    def __init__(self, url: str, token: str, timeout: float = TIMEOUT) -> None:
        parts = _address(url)
        if not token.strip():
            raise InputError("the token for Grafana is empty; put one of a service account into the environment")
        masking.learn({token})
        self.url = url.rstrip("/")
        host = parts.hostname or ""
        prefix = parts.path.strip("/")
        self._timeout = timeout
        self._face = GrafanaFace(
            auth=token,
            host=f"[{host}]" if ":" in host else host,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            timeout=timeout,
        )
        session: requests.Session = self._face.api.s
        session.max_redirects = 0  # a POST that is led elsewhere arrives as a GET
        session.trust_env = host not in ("127.0.0.1", "::1", "localhost")  # a proxy can't reach it

    def push(self, content: str, overwrite: bool = False, folder: str | None = None) -> Pushed:
        """Create a dashboard. content: its JSON. overwrite: replace the one that has its uid. folder: the uid of one.

        Raises:
            InputError: it is there already, or Grafana refuses it. NeedError: no good answer.
        """
        board = {**parsed(content), "id": None}
        body = {"dashboard": board, "overwrite": overwrite, "message": MESSAGE}
        if folder is not None:
            body["folderUid"] = folder
        try:
            answer = self._face.dashboard.update_dashboard(dashboard=body)
        except GrafanaException as error:
            raise self._refused(error, board["title"], folder) from None
        except requests.TooManyRedirects:
            raise NeedError(f"{self.url} leads elsewhere; give the address that it leads to") from None
        except requests.Timeout:
            raise NeedError(
                f"grafana at {self.url} did not answer within {self._timeout:g} s; "
                f"look there whether it has '{board['title']}' before you try again"
            ) from None
        except (requests.JSONDecodeError, TypeError, ValueError):
            raise self._no_grafana("not in JSON as a grafana does") from None
        except requests.RequestException as error:
            raise NeedError(
                f"grafana at {self.url} does not answer ({_reason(error)}); start it, or name another one"
            ) from None
        return self._pushed(answer)

    def _pushed(self, answer: Any) -> Pushed:
        if not isinstance(answer, Mapping) or answer.get("status") != "success":
            raise self._no_grafana("not as a grafana does")
        host = urlsplit(self.url)
        return Pushed(
            str(answer.get("uid", "")),
            f"{host.scheme}://{host.netloc}{answer.get('url', '')}",
            int(answer.get("version", 0)),
        )

    def _refused(self, error: GrafanaException, title: str, folder: str | None) -> FlashcrowdError:
        """What an error status means here (the documented ones of this call, and those of any server)."""
        said = masking.of_process()(_said(error.response))
        match error.status_code:
            case 401:
                return NeedError(f"grafana at {self.url} doesn't know the token; give a valid one of a service account")
            case 403:
                return NeedError(
                    f"grafana at {self.url} doesn't let the token write dashboards; "
                    f"its service account needs the role Editor{said}"
                )
            case 404:
                where = f"no folder '{folder}', or " if folder is not None else ""
                return NeedError(f"{self.url} has {where}no dashboards' API; give the address that has /api below it")
            case 412:
                return InputError(
                    f"grafana at {self.url} has '{title}' already, and it is left as it is{said}; "
                    "add --overwrite to replace it"
                )
            case 400 | 422:
                return InputError(f"grafana at {self.url} refuses '{title}'{said}")
            case status:
                return NeedError(f"grafana at {self.url} answers with {status}{said}; look at its log, and try again")

    def _no_grafana(self, how: str) -> NeedError:
        return NeedError(f"{self.url} answers, but {how}; give the address that has /api below it")


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound:
        raise InputError("this is not the URL of a Grafana; write http://HOST:3000")
    if "@" in parts.netloc:
        raise InputError("the URL of a Grafana holds no password; its token comes from the environment")
    return parts


def _said(response: Any) -> str:
    """What the answer says of itself, in brackets, on one line."""
    message = response.get("message", "") if isinstance(response, Mapping) else ""
    return f" ({' '.join(str(message).split())[:200]})" if message else ""


def _reason(error: requests.RequestException) -> str:
    """The innermost reason: requests and urllib3 wrap it in their own words."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return (getattr(cause, "strerror", None) or type(cause).__name__).lower()
