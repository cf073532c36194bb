"""Mail that a machine sends for a person who is away (RFC 3834), told from mail that comes back.

An answer of that kind says nothing about the address: its reader is on holiday.
"""

from __future__ import annotations

import re
from email.header import decode_header
from email.message import Message

_SERVERS = re.compile(
    r"mailer[-_. ]?daemon|postmaster|mail delivery (?:sub)?system|maildeliverysystem"
    r"|microsoftexchange|mdaemon|mail[-_]?delivery|bounce|delivery[-_.]?(?:failure|notif)",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"undeliver|deliver(?:y|ed).{0,40}(?:fail|problem|status|notif)|fail.{0,20}(?:deliver|notice)"
    r"|returned (?:mail|to sender)|could not be delivered|not delivered|mail system error|unzustellbar"
    r"|unknown user|non remis|échec|no se (?:puede|ha podido) entregar|impossibile|не доставлен|未达",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"out of (?:the )?office|auto(?:matic|mated)?[- ]?(?:reply|response|respond)|on (?:vacation|leave|holiday)"
    r"|away from|abwesen|automatische antwort|urlaub|réponse automatique|absen(?:ce|t)|congés"
    r"|respuesta automática|fuera de la oficina|vacaciones|risposta automatica|fuori sede|fuori ufficio"
    r"|resposta automática|férias|automatisch antwoord|afwezig|autosvar|automatiskt svar|automaattinen"
    r"|автоответ|отсутств|מענה אוטומטי|תשובה אוטומטית|رد تلقائي|自动回复|自動返信|不在|부재중|자동 회신"
    r"|otomatik yanıt|automatická odpověď|odpowiedź automatyczna|automatikus válasz|răspuns automat"
    r"|автоматична відповідь|αυτόματη απάντηση|پاسخ خودکار|स्वचालित|tự động|^vacation\b|^holiday notice"
    r"|thank you for your (?:mail|message|e-?mail)|ticket|case (?:number|#)|we have received your",
    re.IGNORECASE,
)


def is_from_a_mail_server(message: Message) -> bool:
    """Whether it came with no return path, or in the name of a mail server (RFC 5321 §6.1)."""
    if str(message.get("Return-Path") or "").strip() == "<>":
        return not _AWAY.search(_subject(message)) or bool(_FAILED.search(_subject(message)))
    sender = f"{message.get('From') or ''} {message.get('Sender') or ''}"
    return bool(_SERVERS.search(sender[:500])) or bool(_FAILED.search(_subject(message)))


def is_auto_reply(message: Message) -> bool:
    """Whether a machine answers for a person. What a mail server says of a delivery is none."""
    subject = _subject(message)
    if _FAILED.search(subject):
        return False
    submitted = str(message.get("Auto-Submitted") or "no").lower().strip()
    is_marked = (
        submitted.startswith("auto-replied")
        or any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponse"))
        or str(message.get("Precedence") or "").lower().strip() == "auto_reply"
    )
    sender = str(message.get("From") or "")[:500]
    if is_marked and not _SERVERS.search(sender):
        return True
    return bool(_AWAY.search(subject))


def _subject(message: Message) -> str:
    """As people read it (RFC 2047); what cannot be decoded stays as it is."""
    raw = str(message.get("Subject") or "")[:1_000]
    try:
        parts = decode_header(raw)
        return "".join(
            part.decode(charset or "ascii", "replace") if isinstance(part, bytes) else part
            for part, charset in parts
        )
    except Exception:  # noqa: BLE001  LookupError, ValueError and more, of whatever was sent
        return raw
