"""Dashboard run: `slo dashboard` as it is typed, from texts to files, and to a Grafana where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flashcrowd import secret
from flashcrowd.errors import InputError
from flashcrowd.target import read_target
from flashcrowd.units import parse_duration
from monitors import slo_files, windows
from monitors.dashboards import provisioning
from monitors.dashboards.provisioning import Provisioned

TOKEN_ENV = "GRAFANA_TOKEN"


@dataclass(frozen=True)
class Destination:
    """A Grafana to push to. token_env: the variable of the environment that has its token. folder: the uid of one."""

    url: str
    token_env: str = TOKEN_ENV
    overwrite: bool = False
    folder: str | None = None


def destination(
    url: str | None, target: Path | None, token_env: str | None, overwrite: bool, folder: str | None
) -> Destination | None:
    """Where to push, by a URL or by a target file's `grafana`; None where neither is given.

    Raises:
        InputError: both, or options that mean nothing without one; DocumentError for a wrong target file.
    """
    if url is None and target is None:
        if overwrite or folder is not None or token_env is not None:
            raise InputError("--overwrite, --folder and --token-env are for a push; add --push URL, or --target FILE")
        return None
    if url is not None and target is not None:
        raise InputError("--push and --target both name a Grafana; give one of them")
    if target is None:
        return Destination(str(url), token_env or TOKEN_ENV, overwrite, folder)
    found = read_target(target)
    if found.spec.grafana is None or found.grafana_url is None:
        raise InputError(f"{target} names no Grafana; add 'grafana: {{url: ..., token_env: {TOKEN_ENV}}}' to its spec")
    return Destination(found.grafana_url, token_env or found.spec.grafana.token_env, overwrite, folder)


def run(
    paths: Sequence[str], policy: str, runbooks: str | None, out: Path, where: Provisioned, to: Destination | None
) -> Iterator[str]:
    """Write all files, push the dashboards, and say a line of each. The token is looked for before anything is done.

    Raises:
        InputError: a wrong file, policy or token; a dashboard is there already. NeedError: no good answer of Grafana.
    """
    _checked(where)
    token = secret.read_env(to.token_env) if to is not None else ""
    read = slo_files.load(paths)
    boards = provisioning.dashboards(read.slos, windows.find(policy), runbooks)
    for path in provisioning.write(provisioning.files(boards, where), out):
        yield f"wrote   {path}"
    if to is not None:
        yield from _push(boards, to, token)


def _checked(where: Provisioned) -> None:
    try:
        parse_duration(where.scrape_interval)
    except ValueError as error:
        raise InputError(f"--scrape-interval: {error}") from None


def _push(boards: Mapping[str, str], to: Destination, token: str) -> Iterator[str]:
    from monitors.grafana import Grafana

    grafana, refused = Grafana(to.url, token), list[str]()
    for content in boards.values():
        try:
            pushed = grafana.push(content, to.overwrite, to.folder)
            yield f"pushed  {pushed.url} (version {pushed.version})"
        except InputError as error:  # of this one alone
            refused.append(str(error))
    if refused:
        raise InputError("\n".join(refused))
