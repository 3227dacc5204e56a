"""The mark that carries a task's key in its body: read as a person sees it, and nothing else is one."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules.task_marks import mark_of, marks_in, with_line, with_mark, without_marks

KEY = "5:9990:start:9990@1793628180667,9991@1793628180667/task:share_deliverables"
KEYS = st.text(string.digits + string.ascii_lowercase + ":@,/-_", min_size=1, max_size=80)


def test_its_form_is_for_good() -> None:
    """Bodies in portals hold it."""
    mark = '<p style="color:#99acc2;font-size:8px">[handoff 4:9990/task:write_copy 3204930a]</p>'
    assert mark_of("4:9990/task:write_copy") == mark


@given(KEYS, st.text(max_size=200).filter(lambda text: "handoff" not in text.casefold()))
def test_what_is_written_is_read(key: str, body: str) -> None:
    assert marks_in(with_mark(body, key))[-1:] == (key,)


@given(KEYS, st.data())
def test_one_changed_character_and_it_is_none(key: str, data: st.DataObject) -> None:
    mark = f"[handoff {key} "
    at = data.draw(st.integers(len("[handoff "), len(mark) - 2))
    other = data.draw(st.sampled_from(sorted(set(string.digits + ":/") - {mark[at]})))
    whole = without_tags(mark_of(key))
    assert marks_in(whole[:at] + other + whole[at + 1 :]) == ()


@pytest.mark.parametrize(
    "edit",
    [
        lambda mark: mark.replace("<p style", "<div class='x' style").replace("</p>", "</div>"),
        lambda mark: mark.replace(",", ",<br>\n"),
        lambda mark: mark.replace("@", "<span>@</span>"),
        lambda mark: mark.replace("/", "&#47;").replace(" ", "&nbsp;"),
        lambda mark: mark.replace(":", "\u200b:").replace("[", "[ "),
        lambda mark: mark.replace("handoff", "Handoff"),
        lambda mark: f"<p>Read on.</p>{mark}<p>And call them.</p>",
        lambda mark: mark + mark,
    ],
)
def test_an_editor_may_write_it_otherwise(edit) -> None:  # type: ignore[no-untyped-def]
    assert marks_in(edit(mark_of(KEY))) == (KEY,)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[",
        "[handoff]",
        "[handoff 1 2]",
        "handoff 4:1/task:write_copy",
        mark_of(KEY)[:60],
        mark_of(KEY)[50:],
        "[handoff " + "x" * 99,
    ],
)
def test_anything_else_is_none(body: str) -> None:
    assert marks_in(body) == ()


def test_a_line_comes_before_it() -> None:
    body = with_mark("<p>Call.</p>", KEY)
    assert with_line(body, "<p>Closed.</p>") == with_mark("<p>Call.</p><p>Closed.</p>", KEY)
    assert with_line(body + "<p>Called.</p>", "<p>Closed.</p>") == with_mark(
        "<p>Call.</p><p>Called.</p><p>Closed.</p>", KEY
    )
    assert with_line("<p>Call.</p>", "<p>Closed.</p>") == "<p>Call.</p><p>Closed.</p>"


def test_a_line_keeps_a_mark_that_an_editor_has_written_otherwise() -> None:
    body = "<p>Call.</p>" + mark_of(KEY).replace("@", "<b>@</b>")
    longer = with_line(body, "<p>Closed.</p>")
    assert longer.startswith(body)
    assert longer.endswith("<p>Closed.</p>" + mark_of(KEY))
    assert marks_in(longer) == (KEY,)


def test_a_paragraph_of_other_words_stays_whole() -> None:
    mark = without_tags(mark_of(KEY))
    assert without_marks(f"<p>See {mark} for it.</p>") == "<p>See  for it.</p>"


def without_tags(mark: str) -> str:
    return mark[mark.index("[") : mark.index("]") + 1]
