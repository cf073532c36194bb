"""The catalogs: every sentence of the sources is in each of them, translated, with the same parts in it."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from dispatcher import translating

ROOT = Path(__file__).parents[1]
LANGUAGES = translating.languages()[1:]
_PLACES = re.compile(r"%\(\w+\)s|<[^>]+>")
_NO_BREAK = "\N{NARROW NO-BREAK SPACE}"


def folder(language: str) -> Path:
    return translating.FOLDER / language.replace("-", "_") / "LC_MESSAGES"


def catalog(language: str) -> Catalog:
    with (folder(language) / f"{translating.DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"))


def messages(language: str) -> Iterator[tuple[Message, tuple[str, ...], tuple[str, ...]]]:
    """Each with its forms in the source and in the catalog."""
    for message in catalog(language):
        if message.id:
            sources = (message.id,) if isinstance(message.id, str) else tuple(message.id)
            said = message.string or ""
            yield message, sources, (said,) if isinstance(said, str) else tuple(said)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> set[object]:
    """What `make messages` gathers, by the very command that the Makefile has."""
    recipe = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    command = re.search(r"\$\(BIN\)/(pybabel -q extract .*)", recipe)
    assert command
    gathered = tmp_path_factory.mktemp("messages") / "messages.pot"
    program, *words = shlex.split(command[1].replace("build/messages.pot", str(gathered)))
    subprocess.run([Path(sys.executable).parent / program, *words], cwd=ROOT, check=True)
    with gathered.open("rb") as file:
        return {message.id for message in read_po(file) if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_sources_is_in_the_catalog_and_no_other(
    sources: set[object], language: str
) -> None:
    held = {message.id for message, _, _ in messages(language)}
    assert not sources - held, "run `make messages` and translate these"
    assert not held - sources, "run `make messages`: nobody says these any more"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated_in_all_its_forms(language: str) -> None:
    forms = catalog(language).num_plurals
    for message, ids, said in messages(language):
        assert all(said), message.id
        assert not message.fuzzy, message.id
        assert len(said) == (1 if len(ids) == 1 else forms), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_and_tags_of_its_source(language: str) -> None:
    for message, ids, said in messages(language):
        wanted = sorted(_PLACES.findall(ids[-1]))
        for form in said:
            # A form of one number alone, such as two, need not say it in digits.
            without_number = [place for place in wanted if place != "%(num)s"]
            found = sorted(_PLACES.findall(form))
            assert found == wanted or (len(ids) > 1 and found == without_number), message.id
            assert form.count("%") == len(re.findall(r"%\(\w+\)s", form)), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalog(language))
    stored = (folder(language) / f"{translating.DOMAIN}.mo").read_bytes()
    assert compiled.getvalue() == stored, "run `make messages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_begins_and_ends_as_its_source_does(language: str) -> None:
    """So that sentences stay sentences, and labels labels."""
    ends = {".": ".", "?": "?؟", ":": ":", "…": "…"}
    for message, ids, said in messages(language):
        for form in said:
            assert form == form.strip() or ids == (", ",), message.id
            last = ids[-1][-1]
            if last in ends:
                assert form[-1] in ends[last], message.id


def test_french_is_set_as_in_french_books() -> None:
    for _, _, said in messages("fr"):
        for form in said:
            bare = re.sub(r"<[^>]+>", "", form)
            assert not re.search(rf"[^{_NO_BREAK}][;!?]|[^{_NO_BREAK}]:", bare), form
            assert "'" not in bare, form


def test_every_language_has_a_catalog_that_is_shipped() -> None:
    assert LANGUAGES == ("ar", "fr", "he")
