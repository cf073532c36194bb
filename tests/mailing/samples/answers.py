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
    ("Automatikus válasz: Ferries", "Szabadságon vagyok."),
    ("Automaattinen vastaus: Ferries", "Olen lomalla."),
    ("Răspuns automat: Ferries", "Sunt în concediu; 550 de mesaje mă așteaptă."),
    ("Αυτόματη απάντηση: Ferries", "Λείπω από το γραφείο."),
    ("پاسخ خودکار: Ferries", "در مرخصی هستم."),
    ("स्वचालित उत्तर: Ferries", "मैं छुट्टी पर हूँ।"),
    ("Trả lời tự động: Ferries", "Tôi đang đi vắng."),
    ("Автоматична відповідь: Ferries", "Я у відпустці."),
    ("Vacation: Ferries", "No mailbox is read here until Monday; undeliverable till then."),
    ("Holiday notice", "Mail to this address is not delivered to anybody this week."),
)
MARKS = (
    "Auto-Submitted: auto-replied",
    "Precedence: auto_reply",
    "X-Autoreply: yes",
    "X-Auto-Response-Suppress: All",  # a mark of Exchange's; the subject must tell
)
CHALLENGES = (
    "Please confirm your message",
    "Your email requires verification verify#4711",
    "[BOXTRAPPER] Confirm that you sent this",
    "Please confirm (conf#0a0b)",
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
    for subject in CHALLENGES:
        head = f"From: {READER}\nSubject: {subject}\nAuto-Submitted: auto-replied"
        words = "Your message was not delivered. Click to prove that you are a person."
        yield Sample("challenge", letter(head, words), "auto-reply", address="")
    for subject, words in PEOPLE:
        yield Sample(
            "people",
            letter(f"From: Ada <{READER}>\nSubject: {subject}", words),
            "nothing",
            address="",
        )
