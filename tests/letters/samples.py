"""Briefs, publishers and readers that the tests of letters share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from dispatcher.briefs.document import Document, Entry, Quotation, Related, Section
from dispatcher.letters.alert import AlertContext, Publisher, TopicLink
from dispatcher.letters.compiled import Compiled
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.headers import HeaderFacts, headers
from dispatcher.letters.rendering import Renderer
from dispatcher.letters.slots import SlotValues

TEMPLATES = Path(__file__).parents[2] / "templates" / "email"
RENDERER = Renderer(TEMPLATES)

PUBLISHER = Publisher(
    name="Harbour Institute",
    address="12 Quay Street\nExample City 10115",
    home_url="https://www.example.org/",
    help_url="https://www.example.org/help",
)

BRIEF = Document(
    headline="Strait Authority Suspends Joint Patrols",
    kind="Flash Brief",
    language="en",
    published_at=datetime(2023, 3, 2, tzinfo=UTC),
    topics=("Maritime Security", "Northern Strait"),
    blocks=(
        Section(
            heading="Latest Developments",
            paragraphs=(
                "The Strait Authority said on Wednesday that it had “suspended until further "
                "notice” the joint patrols that have kept the northern passage open since 2011. "
                'Its <a href="https://www.example.org/statements?id=7&amp;lang=en">statement</a> '
                "named no reason. Two ferries turned back within the hour, and insurers raised "
                "their premium for the passage by a third before the markets closed.",
                "Three things changed overnight:",
                "• The coast guard moved four of its <em>six</em> cutters to the southern harbour.",
                "• Pilots were told to wait at anchor, as they were in "
                '<a href="https://www.example.org/2019">the closure of 2019</a>.',
                "• The harbour master’s radio, for the first time in twelve years, went silent.",
            ),
        ),
        Quotation(
            heading="Expert Analysis",
            paragraphs=(
                "Patrols are the one thing that both shores still do together. Whoever stops them "
                "does not only risk a collision; he takes away the table at which the next "
                "collision would be talked over.",
            ),
            name="Ada Lindqvist",
            role="Senior Fellow, Programme on Maritime Order",
        ),
        Section(
            heading="What the Treaty Says",
            paragraphs=(
                "Article 9 lets either side suspend patrols for thirty days and no longer. A "
                "second suspension within a year needs the consent of the joint board, which has "
                "not met since <strong>June 2021</strong>.",
            ),
        ),
        Related(
            heading="Related Analysis",
            entries=(
                Entry(
                    title="Twelve Years of Quiet Water",
                    source="by Ada Lindqvist and Tomas Okafor",
                    url="https://www.example.org/quiet-water",
                ),
                Entry(title="Who Insures the Passage?", source="Harbour Institute Monograph"),
            ),
        ),
    ),
)

HEBREW = Document(
    headline="רשות המצר משעה את הסיורים המשותפים",
    kind="מבזק",
    language="he",
    published_at=datetime(2023, 3, 2, tzinfo=UTC),
    topics=("ביטחון ימי", "Northern Strait"),
    blocks=(
        Section(
            heading="ההתפתחויות האחרונות",
            paragraphs=(
                "רשות המצר הודיעה ביום רביעי כי היא משעה „עד להודעה חדשה” את הסיורים המשותפים "
                "ששמרו על פתיחות המעבר הצפוני מאז 2011. בתוך שעה הסתובבו שתי מעבורות, וחברת "
                "<bdi>Quay Marine (UK) Ltd.</bdi> העלתה את הפרמיה ב-33%.",
                "• ארבע מתוך שש ספינות המשמר עברו לנמל הדרומי.",
                '• לנתבים נאמר להמתין בעוגן, כמו ב<a href="https://www.example.org/2019">סגירה '
                "של 2019</a>.",
            ),
        ),
        Quotation(
            heading="ניתוח",
            paragraphs=("הסיורים הם הדבר האחד ששני החופים עוד עושים יחד.",),
            name="עדה לינדקוויסט",
            role="עמיתה בכירה, התוכנית לסדר ימי",
        ),
        Related(
            heading="לקריאה נוספת",
            entries=(
                Entry(
                    title="שתים עשרה שנים של מים שקטים",
                    source="עדה לינדקוויסט",
                    url="https://www.example.org/quiet-water",
                ),
            ),
        ),
    ),
)

LONG_HEADLINE = (
    "Strait Authority Suspends Joint Patrols for Thirty Days While Insurers, Ferry Companies and "
    "Two Neighbouring Governments Argue About the Passage"
)


def long_quotation() -> Document:
    """A brief whose quotation fills two screens."""
    section, quotation, *rest = BRIEF.blocks
    assert isinstance(quotation, Quotation)
    longer = replace(quotation, paragraphs=quotation.paragraphs * 9)
    return replace(BRIEF, headline=LONG_HEADLINE, blocks=(section, longer, *rest))


def alert(document: Document = BRIEF, **changes: object) -> AlertContext:
    """The context of an alert of this brief."""
    topics = tuple(
        TopicLink(name, f"https://briefs.example.org/topics/{number}")
        for number, name in enumerate(document.topics)
    )
    context = AlertContext(
        document=document,
        publisher=PUBLISHER,
        topics=topics,
        page_url="https://briefs.example.org/b/4f7c",
        preheader="Two ferries turned back within the hour; insurers raised their premium.",
    )
    return replace(context, **changes)  # type: ignore[arg-type]


def facts(**changes: object) -> HeaderFacts:
    """The header facts of that alert."""
    usual = HeaderFacts(
        subject=BRIEF.headline,
        from_name=PUBLISHER.name,
        from_address="briefs@example.org",
        list_id="alerts.briefs.example.org",
        list_help="https://www.example.org/help",
        list_archive="https://briefs.example.org/",
        reply_to="editors@example.org",
        feedback_id=("d17", "alert", "routine", "harbour"),
        language="en",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def reader(**changes: object) -> SlotValues:
    """The values of one reader's slots."""
    usual = SlotValues(
        address="ada@example.com",
        name="Ada Lovelace",
        reason="You get this because you follow Maritime Security and Northern Strait.",
        manage_url="https://briefs.example.org/r/8Yq2fJx0aQm1Kp7TzWv3Ls",
        unsubscribe_url="https://briefs.example.org/u/8Yq2fJx0aQm1Kp7TzWv3Ls?d=17",
        unsubscribe_mailto="mailto:leave+8Yq2fJx0aQm1Kp7TzWv3Ls@example.org?subject=unsubscribe",
        message_id="<17.8Yq2fJx0aQm1Kp7TzWv3Ls@briefs.example.org>",
        date=datetime(2023, 3, 2, 9, 30, tzinfo=UTC),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


@cache
def compiled(document: Document = BRIEF) -> Compiled:
    """The alert of this brief for any reader."""
    letter = RENDERER.render_with_slots("alert", alert(document).mapping())
    return compile_letter(letter, headers(facts(subject=letter.subject)))
