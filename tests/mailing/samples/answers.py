"""Answers of machines for people who are away, and of people; none says anything against an address."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from tests.mailing.samples.sample import LETTER_HEAD, READER, Sample, letter

AWAY = (
    (
        "Out of Office: Ferries run again",
        "I am away until Monday. If it is urgent, write to bob@example.net.",
    ),
    ("Automatic reply: Ferries run again", "On leave; user unknown to nobody, back on the 5th."),
    ("Abwesenheitsnotiz: Ferries run again", "Ich bin bis 3. Dezember im Urlaub."),
    ("Automatische Antwort: Ferries", "Ihre Nachricht wird nicht weitergeleitet."),
    ("Réponse automatique : Ferries", "Je suis en congés. 550 personnes attendent."),
    ("Absence du bureau", "De retour lundi."),
    ("Respuesta automática: Ferries", "Estoy fuera de la oficina."),
    ("Risposta automatica: Ferries", "Sono in ferie."),
    ("Resposta automática: Ferries", "Estou de férias."),
    ("Automatisch antwoord: Ferries", "Ik ben afwezig."),
    ("Autosvar: Ferries", "Jag är borta."),
    ("Автоответ: Ferries", "Я в отпуске."),
    ("תשובה אוטומטית: Ferries", "אני בחופשה."),
    ("رد تلقائي: Ferries", "أنا في إجازة."),
    ("自动回复: Ferries", "我不在办公室。"),
    ("自動返信: Ferries", "不在です。"),
    ("자동 회신: Ferries", "부재중입니다."),
    ("Otomatik yanıt: Ferries", "Ofis dışındayım."),
    ("Odpowiedź automatyczna: Ferries", "Jestem na urlopie."),
    ("Automatická odpověď: Ferries", "Jsem mimo kancelář."),
)
MARKS = (
    "Auto-Submitted: auto-replied",
    "Precedence: auto_reply",
    "X-Autoreply: yes",
    "X-Auto-Response-Suppress: All",  # a mark of Exchange's; the subject must tell
)
PEOPLE = (
    (
        "Re: Ferries run again",
        "Thank you, this was useful. My old address bob@example.net is dead: 550 5.1.1.",
    ),
    ("Question", f"Why do I get this at {READER}? User unknown is what my server says."),
    ("Fwd: failure", f"See below.\n\n> 550 5.1.1 <{READER}> user unknown"),
)


def samples() -> Iterator[Sample]:
    for number, (subject, words) in enumerate(AWAY):
        encoded = f"=?utf-8?b?{base64.b64encode(subject.encode()).decode()}?="
        quoted = f"\n\n{LETTER_HEAD}" if number % 2 else ""
        for mark in (MARKS[number % 4], MARKS[(number + 1) % 4]):
            head = f"From: Ada <{READER}>\nSubject: {encoded}\n{mark}"
            yield Sample("away", letter(head, words + quoted), "auto-reply", address="")
    for subject in (
        "[Ticket 4711] Ferries run again",
        "Case #12: received",
        "We have received your message",
    ):
        head = (
            f"From: Help desk <help@example.net>\nAuto-Submitted: auto-replied\nSubject: {subject}"
        )
        yield Sample("ticket", letter(head, "We answer within a day."), "auto-reply", address="")
    challenge = (
        f"From: {READER}\nSubject: Please confirm your message\nAuto-Submitted: auto-replied"
    )
    yield Sample(
        "challenge", letter(challenge, "Click to prove you are a person."), "auto-reply", address=""
    )
    for subject, words in PEOPLE:
        yield Sample(
            "people",
            letter(f"From: Ada <{READER}>\nSubject: {subject}", words),
            "nothing",
            address="",
        )
