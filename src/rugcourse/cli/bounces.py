"""Commands for bounces."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rugcourse.cli.output import Json, print_json

if TYPE_CHECKING:
    from rugcourse.bootstrap import Runtime

app = typer.Typer(help="Bounces and complaints.", no_args_is_help=True)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 2525,
    lmtp: Annotated[bool, typer.Option("--lmtp", help="Speak LMTP, as Postfix's local delivery does.")] = False,
) -> None:
    """Receive bounces from the mail server by SMTP or LMTP, until Ctrl-C. See docs/bounces.md."""
    import signal
    import threading

    from rugcourse.bounces.lmtp_server import LmtpHandler, start_lmtp_server
    from rugcourse.worker.heartbeat import Heartbeat

    runtime = _open()
    handler = LmtpHandler(runtime.bounce_handler, runtime.settings.bounce_address)
    server = start_lmtp_server(handler, host, port, lmtp=lmtp)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    server.start()
    heartbeat = Heartbeat(runtime, "bounces")
    heartbeat.start()
    typer.echo(f"rugcourse receives bounces on {host}:{port}", err=True)
    over.wait()
    heartbeat.stop()
    server.stop()


@app.command()
def poll(
    every: Annotated[int | None, typer.Option(help="Poll again after so many seconds, until Ctrl-C.", min=5)] = None,
) -> None:
    """Read new messages in the mailbox for bounces. The beat does this automatically, every five minutes."""
    import time

    from rugcourse.bounces import imap_poller
    from rugcourse.bounces.imap_poller import MailboxAway
    from rugcourse.cli.context import open_checked

    runtime = open_checked(own_secret=True)
    mailbox = runtime.settings.mailbox
    if mailbox is None:
        typer.echo("error: RUGCOURSE_BOUNCE_MAILBOX is not set", err=True)
        raise typer.Exit(2)
    while True:
        try:
            typer.echo(f"{imap_poller.poll(runtime.bounce_handler, mailbox)} taken in")
        except MailboxAway as error:
            typer.echo(f"error: {error}", err=True)
            if every is None:
                raise typer.Exit(2) from None
        if every is None:
            return
        time.sleep(every)


@app.command()
def process(
    recipient: Annotated[str, typer.Argument(help="The address that the message came to.")],
    as_json: Json = False,
) -> None:
    """Handle one message from standard input. Exit code 1 if it belongs to no delivery."""
    from rugcourse.bounces.handler import BounceOutcome
    from rugcourse.bounces.parser import LARGEST

    runtime = _open()
    handled = runtime.bounce_handler.handle_message(recipient, sys.stdin.buffer.read(LARGEST))
    if as_json:
        print_json(handled)
    else:
        typer.echo(f"{handled.report.kind} {handled.report.status} {handled.outcome}".replace("  ", " "))
    raise typer.Exit(1 if handled.outcome == BounceOutcome.UNMATCHED else 0)


def _open() -> Runtime:
    """Open the runtime. Exits with code 2 if no address for bounces is set."""
    from rugcourse.cli.context import open_checked

    runtime = open_checked(own_secret=True)
    if not runtime.settings.bounce_address:
        typer.echo("error: RUGCOURSE_BOUNCE_ADDRESS is not set, so bounces can't be matched to deliveries", err=True)
        raise typer.Exit(2)
    return runtime
