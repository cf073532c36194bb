"""Input that is made to cost time, 9 to 100 s each when it was tried, is refused in one line."""

from __future__ import annotations

import pytest

from dispatcher.briefs.reading import MAX_BYTES, Form, read
from dispatcher.errors import UnreadableBrief

HEADLINE = "# A headline\n\n"
ATTRIBUTES = "".join(f" a{n}" for n in range(100_000))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Form.MARKDOWN, HEADLINE + "![" * 500_000),
        (Form.MARKDOWN, HEADLINE + "&" * 1_000_000),
        (Form.HTML, f"<h1>A headline</h1><p{ATTRIBUTES}>Text.</p>"),
        (Form.TEXT, "A headline\n\n" + "a\n\n" * 600_000),
        (Form.TEXT, "A headline\n\n" + "“a\n" * 50_000),
    ],
    ids=["brackets", "entities", "attributes", "paragraphs", "quotations"],
)
def test_what_only_costs_time_is_refused_before_it_does(form: Form, text: str) -> None:
    with pytest.raises(UnreadableBrief, match="which no brief needs"):
        read(text[:MAX_BYTES], topics=(), form=form)


def test_a_long_brief_of_the_usual_kind_is_read() -> None:
    text = HEADLINE + "\n\n".join(
        f"A paragraph & a [link](https://example.org/{n})." for n in range(2_000)
    )
    assert read(text, topics=()).headline == "A headline"
