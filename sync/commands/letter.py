"""`handoffs letter`: the weekly letter, shown and not sent."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.options import JSON
from sync.commands.output import addresses, format_day, format_moment, print_json, say, use_zone

if TYPE_CHECKING:
    from sync.observe.letter import LetterStanding


@click.command()
@click.option(
    "--html", "html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write its page to look at."
)
@JSON
def letter(html: Path | None, as_json: bool) -> None:
    """Show the weekly letter as it would be sent now; send nothing.

    It says what comes this week, who is stuck, what is worth a look, and last week's lead times beside those of the weeks
    before. It goes to the addresses of `letter.to` in the mapping, on Monday from `letter.at` on, once to each: a service
    that is off then sends it when it comes up, until Friday. While `letter.to` is empty nobody gets one.

    --html FILE writes the page that mail clients show, --json has subject, text and page, and what became of the last one.

    \b
    Examples:
      handoffs letter
      handoffs letter --html letter.html

    \b
    Exit codes: 0 shown; 1 the database failed; 2 FILE cannot be written, or
      a text of the mapping cannot be used
    """
    settings = session.read_settings()
    from sync.observe.letter import letter_standing
    from sync.service.bootstrap import read_mapping
    from sync.service.letters import write_letter

    mapping, clock = read_mapping(settings), session.clock()
    with session.database(settings, write=False) as store:
        use_zone(mapping.zone)
        written = write_letter(store, mapping, settings, clock)
        standing = letter_standing(store, mapping, clock.now())
    if as_json:
        texts = {"subject": written.subject, "text": written.text, "html": written.html}
        print_json({**texts, "standing": None if standing is None else standing.as_json()})
    else:
        click.echo(f"Subject: {written.subject}\n\n{written.text}", nl=False)
    if html is not None:
        _write(written.html, html)
    _say_standing(standing)


def _write(page: str, file: Path) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be written: {error.strerror or error}", param_hint="--html") from error
    say(f"Written to {file}.")


def _say_standing(standing: "LetterStanding | None") -> None:
    if standing is None:
        say("Nobody gets it: name addresses as `letter.to` in the mapping, and restart `handoffs serve`.")
        return
    say(
        f"The next is due {format_moment(standing.next_due)}, to {addresses(len(standing.to))}: {', '.join(standing.to)}."
    )
    for copy in standing.copies:
        why = f" ({copy.reason})" if copy.reason else ""
        say(
            f"That of {format_day(copy.week)} to {copy.address}: {copy.state.value}, {format_moment(copy.state_at)}{why}"
        )
