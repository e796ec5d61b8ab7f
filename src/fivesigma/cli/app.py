"""The commands of `fivesigma`, one for each verb; turns every error into one sentence and an exit code."""

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from fivesigma.cli import (
    analyses,
    check,
    cite,
    clean,
    columns,
    compare,
    doctor,
    evaluate,
    explore,
    export,
    helping,
    init,
    package,
    predict,
    prepare,
    report,
    run,
    scan,
    schema,
    signals,
    simulate,
    train,
    tune,
    validate,
    verify,
)
from fivesigma.cli.console import Terminal
from fivesigma.cluster import multiprocess
from fivesigma.errors import FivesigmaError, did_you_mean
from fivesigma.version import __version__

DONE, OUR_FAULT, USERS_INPUT, INTERRUPTED = 0, 1, 2, 130


class _Group(TyperGroup):
    """Suggests the nearest verb for a mistyped one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            raise FivesigmaError(f"no command {name!r}; {did_you_mean(name, self.commands)}", hint="fivesigma --help")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="fivesigma",
    help="From collision events to five sigma: explore, train and evaluate neural networks on collider data.",
    no_args_is_help=True,
    cls=_Group,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"fivesigma {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


app.command("run")(run.run)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("explore")(explore.explore)
app.command("prepare")(prepare.prepare)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("export")(export.export)
app.command("package")(package.package)
app.command("report")(report.report)
app.command("verify")(verify.verify)
app.command("compare")(compare.compare)
app.command("scan")(scan.scan)
app.add_typer(simulate.app, name="simulate")
app.add_typer(validate.app, name="validate")
app.command("analyses")(analyses.analyses)
app.command("columns")(columns.columns)
app.command("schema")(schema.schema)
app.command("cite")(cite.cite)
app.command("doctor")(doctor.doctor)
app.command("clean")(clean.clean)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit: 0 success, 2 an error in the user's input, 1 our fault, 130 or 143 stopped by a signal."""
    with signals.ending() as stopping:
        code = _run(arguments)
    if code == INTERRUPTED:
        code = stopping.code or INTERRUPTED
        _terminal(arguments).error(signals.LINES[code], signals.HINT)
        if stopping.code and multiprocess.processes() == 1:
            signals.leave(code)
    if code != DONE and multiprocess.processes() > 1:
        # An orderly exit would wait for the other processes, which may have ended.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    """Run the command and return its exit code; print one sentence if there is an error."""
    Terminal.answered = False
    try:
        helping.prepare(sys.argv[1:] if arguments is None else arguments)
        code = app(args=arguments, standalone_mode=False)
    except FivesigmaError as error:
        _terminal(arguments).error(error.what, error.hint)
        code = USERS_INPUT
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        # The process that reads our output (`| head`) has ended; nobody would see a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except ImportError as error:
        if not (error.name or "").startswith("fivesigma"):
            raise  # a library is missing or broken: `fivesigma.cli.main` reports it
        code = _unexpected(error, _terminal(arguments))
    except Exception as error:
        code = _unexpected(error, _terminal(arguments))
    return code if isinstance(code, int) else DONE


def _terminal(arguments: list[str] | None) -> Terminal:
    """The terminal that prints errors; with `--json` it also prints them as a JSON document."""
    return Terminal(as_json="--json" in (sys.argv[1:] if arguments is None else arguments))


def _unexpected(error: Exception, terminal: Terminal) -> int:
    """Report an error: a mistyped option is the user's; any other is ours, and its traceback is written to a file."""
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        if not error.format_message():  # a command without arguments: its help has been printed
            return USERS_INPUT
        terminal.error(error.format_message().rstrip("."), "add --help to see the arguments and options of the command")
        return USERS_INPUT
    if isinstance(error, OSError) and error.filename:
        terminal.error(f"{error.filename}: {(error.strerror or str(error)).lower()}")
        return USERS_INPUT
    if os.environ.get("FIVESIGMA_DEBUG"):
        traceback.print_exc()
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    try:
        place = Path(tempfile.mkstemp(prefix="fivesigma-error-", suffix=".txt")[1])
        place.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        hint = f"please report it with {place}"
    except OSError:
        hint = "please report it; FIVESIGMA_DEBUG=1 shows where it happened"
    terminal.error(f"this is a defect of fivesigma, not of your input ({reason})", hint)
    return OUR_FAULT
