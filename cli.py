"""The command line: mounts one sub-app per noun and maps errors to exit codes. No logic lives here."""

from __future__ import annotations

import sys

import typer

import commands.chaos
import commands.demo
import commands.doctor
import commands.gameday
import commands.init
import commands.load
import commands.runbook
import commands.slo
import commands.up

main = typer.Typer(
    name="flashcrowd",
    help="Rehearse a live sale: crowds of viewers, real faults, Prometheus SLOs and runbooks on one timeline.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
main.command("demo")(commands.demo.demo)
main.command("up")(commands.up.up)
main.command("init")(commands.init.init)
main.command("doctor")(commands.doctor.doctor)
main.add_typer(commands.load.app, name="load")
main.add_typer(commands.chaos.app, name="chaos")
main.add_typer(commands.slo.app, name="slo")
main.add_typer(commands.runbook.app, name="runbook")
main.add_typer(commands.gameday.app, name="gameday")


def app() -> None:
    """Run the command line; every error of ours becomes its sentence on stderr and its exit code."""
    try:
        main(prog_name="flashcrowd")
    except KeyboardInterrupt:  # before anything was started, or after all was saved
        sys.exit(130)
    except Exception as error:
        from flashcrowd.errors import FlashcrowdError
        from flashcrowd.masking import of_process

        mask = of_process()
        if not isinstance(
            error, FlashcrowdError
        ):  # a bug of ours: it must not look like a missed objective, which is 1
            import traceback

            print(mask("".join(traceback.format_exception(error))), end="", file=sys.stderr)  # noqa: T201
            sys.exit(4)
        print(mask(str(error)), file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)


if __name__ == "__main__":
    app()
