"""What a request may ask of the server before any view has looked at it, and what settings give away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

SIGN_IN = "/desk/sign-in"
FORM = (
    '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n{name}\r\n'
    '--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nguess\r\n--x--\r\n'
)
FILE = (
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n{content}\r\n--x--\r\n'
)


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["unicode_escape", "punycode", "idna", "rot13", "utf-16", "?"])
def test_a_form_is_utf_8_whatever_charset_it_names(client: Client, charset: str) -> None:
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    body = FORM.format(name="Ä-\\ud800").encode()
    response = client.generic("POST", SIGN_IN, body, content_type=content_type)

    assert response.status_code == 200
    assert 'value="Ä-\\ud800"' in response.content.decode()


def test_a_query_is_utf_8_whatever_charset_its_request_names(client: Client) -> None:
    content_type = "text/plain; charset=utf-16"
    response = client.generic("GET", f"{SIGN_IN}?next=/%C3%A9", content_type=content_type)

    assert response.status_code == 200
    assert 'value="/é"' in response.content.decode()


def test_a_form_with_more_files_than_a_brief_needs_is_refused_and_kept_nowhere(
    settings: Settings, tmp_path: Path
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    strict = Client(enforce_csrf_checks=True)  # reads the form before it knows anybody
    strict.cookies["csrftoken"] = "a" * 32
    for size, status in ((9_000_000, 400), (4_000_000, 403)):
        body = FILE.format(content="a" * size).encode()
        response = strict.post(SIGN_IN, body, content_type="multipart/form-data; boundary=x")
        assert response.status_code == status

    assert list(tmp_path.iterdir()) == []


def test_a_malformed_database_url_is_named_and_its_password_is_not() -> None:
    url = "postgresql://dispatcher:s3%zzcret@db.example.org/dispatcher"
    done = subprocess.run(
        [sys.executable, "-c", "import dispatcher.settings"],
        env={"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "DATABASE_URL must look like" in done.stderr
    assert "cret" not in done.stderr
