"""Commands for sending: list and resend deliveries, hold and resume sending, set limits."""

from __future__ import annotations

from typing import Annotated

import typer

from rugcourse.cli.output import Json, print_json, print_table

deliveries = typer.Typer(help="Mails in the ledger.", no_args_is_help=True)
sending = typer.Typer(help="Hold and resume sending.", no_args_is_help=True)

_Campaign = Annotated[int | None, typer.Option("--campaign", help="Only this campaign, by its number.")]
_Domain = Annotated[str | None, typer.Option("--domain", help="Only mail to this domain.")]


@deliveries.command("list")
def list_deliveries(
    state: Annotated[
        str, typer.Option(help="planned, submitting, accepted, failed, unknown or cancelled.")
    ] = "unknown",
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: Json = False,
) -> None:
    """List mails in a state, oldest first."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.models import DeliveryState
    from rugcourse.db.queries import deliveries as ledger

    try:
        wanted = DeliveryState(state)
    except ValueError:
        raise typer.BadParameter(f"there is no state {state}; there are: {', '.join(DeliveryState)}") from None
    with open_checked().database.read() as session:
        rows = ledger.in_state(session, wanted, limit)
    names = ["id", "to", "kind", "lesson", "planned_at", "reply"]
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    print_table("", names, rows)


@deliveries.command("resend")
def resend_deliveries(
    ids: Annotated[list[int] | None, typer.Argument(help="Their ids, see: deliveries list")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are unknown.")] = False,
) -> None:
    """Send unknown mails again, as the same message. Exit code 1 if one of them is not (or no longer) unknown."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.models import DeliveryState
    from rugcourse.db.queries import deliveries as ledger
    from rugcourse.delivery.resend import resend

    runtime = open_checked()
    wanted = set(ids or ())
    if everything:
        with runtime.database.read() as session:
            wanted |= {row[0] for row in ledger.in_state(session, DeliveryState.UNKNOWN, 1_000_000)}
    elif not wanted:
        raise typer.BadParameter("give the ids, or --all")
    planned = runtime.database.run(resend, runtime.clock.now(), wanted)
    typer.echo(f"{len(planned)} planned again")
    for one in sorted(wanted - set(planned)):
        typer.echo(f"delivery {one} is not unknown; it was left alone", err=True)
    raise typer.Exit(0 if len(planned) == len(wanted) else 1)


@sending.command("status")
def status(as_json: Json = False) -> None:
    """Show what is held, and which processes are alive. Exit code 1 when everything is held."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries import heartbeats, sending_holds
    from rugcourse.db.queries.sending_holds import ALL

    runtime = open_checked()
    with runtime.database.read() as session:
        holds = [
            {"what": one.key, "since": one.since, "until": one.until, "reason": one.reason}
            for one in sending_holds.all_holds(session)
        ]
        living = [
            {"kind": one.kind, "host": one.host, "pid": one.pid, "seen_at": one.seen_at}
            for one in heartbeats.all_processes(session)
        ]
    if as_json:
        print_json({"holds": holds, "processes": living})
    else:
        if holds:
            rows = [(one["what"], one["since"], one["until"] or "it is resumed", one["reason"]) for one in holds]
            print_table("held", ["what", "since", "until", "why"], rows)
        else:
            typer.echo("nothing is held")
        print_table("processes", ["kind", "host", "pid", "seen at"], [tuple(one.values()) for one in living])
    raise typer.Exit(1 if any(one["what"] == ALL for one in holds) else 0)


@sending.command("pause")
def pause(
    campaign: _Campaign = None,
    domain: _Domain = None,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks.")] = "an operator held it",
) -> None:
    """Send nothing, or nothing of a campaign or to a domain, until you resume. Nothing is lost meanwhile."""
    from rugcourse.cli.context import open_checked
    from rugcourse.delivery.holds import hold_by_admin

    runtime = open_checked()
    key = _key(campaign, domain)
    runtime.database.run(hold_by_admin, runtime.clock.now(), key, reason)
    typer.echo(f"{key} is held")


@sending.command("resume")
def resume(campaign: _Campaign = None, domain: _Domain = None) -> None:
    """Resume sending. Exit code 1 when nothing was held.

    Before everything is resumed, the withdrawal log is applied: after restoring a backup it repeats unsubscribes,
    erasures, complaints, and withdrawals of measuring and news that the backup does not have.
    """
    from rugcourse.bootstrap import release_hold
    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries.sending_holds import ALL

    runtime = open_checked()
    key = _key(campaign, domain)
    done = release_hold(runtime, key)
    if key == ALL:
        typer.echo(f"{done.withdrawn} people withdrew, unknown to this database; now applied")
    typer.echo(f"{key} goes on" if done.was_held else f"{key} was not held")
    raise typer.Exit(0 if done.was_held else 1)


@sending.command("limit")
def limit(
    campaign: Annotated[int, typer.Argument(help="The id of the campaign.")],
    per_minute: Annotated[int | None, typer.Option(help="Lessons a minute; left out: no limit.", min=1)] = None,
) -> None:
    """Limit how many lessons of a campaign go out per minute. Exit code 1 when there is no such campaign."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries import sending_holds

    with open_checked().database.write() as session:
        found = sending_holds.set_campaign_limit(session, campaign, per_minute)
    if not found:
        typer.echo(f"there is no campaign {campaign}", err=True)
        raise typer.Exit(1)
    typer.echo(f"campaign {campaign}: {per_minute or 'any number of'} lessons a minute")


def healthcheck(kind: Annotated[str, typer.Argument(help="web, worker, beat or serve")]) -> None:
    """Check that a process of this kind is alive on this host, for health checks. Exit code 1 if not."""
    import socket
    from datetime import timedelta

    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries import heartbeats
    from rugcourse.worker.heartbeat import BEAT_SECONDS

    runtime = open_checked()
    oldest = runtime.clock.now() - timedelta(seconds=3 * BEAT_SECONDS)
    with runtime.database.read() as session:
        found = heartbeats.all_processes(session)
    lives = any(one.kind == kind and one.host == socket.gethostname() and one.seen_at >= oldest for one in found)
    typer.echo("alive" if lives else f"no {kind} on this host has sent a heartbeat for {3 * BEAT_SECONDS:g} seconds")
    raise typer.Exit(0 if lives else 1)


def _key(campaign: int | None, domain: str | None) -> str:
    from rugcourse.db.queries.sending_holds import ALL, campaign_key, domain_key

    if campaign is not None and domain is not None:
        raise typer.BadParameter("give --campaign or --domain, not both")
    if campaign is not None:
        return campaign_key(campaign)
    return ALL if domain is None else domain_key(domain.lower())
