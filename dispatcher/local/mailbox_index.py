"""What the mailbox holds, in memory: newest first, by page, by words in recipient or subject.

Filled from the Maildir on start and by each delivery; files that others add or take are not noticed.
One thread adds while others look: every look works on a copy of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dispatcher.local.maildir import Stored

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some letters of those that were looked for; `first` counts from 1."""

    letters: list[Stored]
    number: int
    pages: int
    first: int
    found: int


class Index:
    def __init__(self, letters: Iterable[Stored] = ()) -> None:
        self._letters = list(letters)
        self._by_name = {letter.name: letter for letter in self._letters}

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, letter: Stored) -> None:
        self._by_name[letter.name] = letter
        self._letters.append(letter)

    def get(self, name: str) -> Stored | None:
        return self._by_name.get(name)

    def page(self, number: int, *, words: str = "") -> Page:
        """One page of letters, newest first; a number beyond either end is the nearest page.

        `words` must stand in the recipient or the subject as they are, in whatever case.
        """
        found = self._letters[:]
        if words:
            words = words.casefold()
            found = [
                letter
                for letter in found
                if words in letter.to.casefold() or words in letter.subject.casefold()
            ]
        pages = max(1, -(-len(found) // PAGE_SIZE))
        number = min(max(number, 1), pages)
        last = len(found) - (number - 1) * PAGE_SIZE
        letters = found[max(0, last - PAGE_SIZE) : last][::-1]
        return Page(letters, number, pages, (number - 1) * PAGE_SIZE + 1, len(found))
