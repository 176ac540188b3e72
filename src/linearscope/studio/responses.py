"""What the server says when it refuses: JSON for the page, a small page for a person; never a word that was sent."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

__all__ = [
    "POLICY",
    "Headers",
    "Message",
    "Receive",
    "Refusal",
    "Scope",
    "Send",
    "document",
    "error_json",
    "policy_of",
    "secured",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

FIXED: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        b"microphone=(), midi=(), payment=(), usb=()",
    ),
]
#: Headers that only this layer sets, whatever the application says.
OURS: Final = frozenset({b"content-security-policy", b"cache-control", b"server", *(name for name, _ in FIXED)})

STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto 0;padding:0 1.5rem}"
    "h1{font-size:1.25rem;font-weight:600;margin:0 0 .5rem}p{margin:0}"
)


class Refusal(Exception):
    """A request that is not answered.

    Parameters
    ----------
    status
        Of HTTP.
    code
        One word for programs.
    message
        One sentence what is wrong, one what to do. Nothing in it comes from the request.
    headers
        Sent with it.
    """

    def __init__(self, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def error_json(code: str, message: str) -> bytes:
    """The body of every refusal.

    Examples
    --------
    >>> error_json("busy", "Wait.")
    b'{"error": {"code": "busy", "message": "Wait."}}'
    """
    return json.dumps({"error": {"code": code, "message": message}}).encode()


def document(title: str, text: str, *, to: str | None = None) -> bytes:
    """A small page for a person; ``to``: where it goes on to by itself."""
    refresh = "" if to is None else f'<meta http-equiv="refresh" content="0;url={html.escape(to)}">'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">{refresh}'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></main></body></html>"
    ).encode()


def policy_of(body_is_document: bool) -> bytes:
    """The content security policy: the page's own, or for a :func:`document` one that lets in its style and no more."""
    if not body_is_document:
        return POLICY.encode()
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ).encode()


def secured(headers: Headers, *, cache: bytes, policy: bytes) -> Headers:
    """The headers of a response with those that only this layer sets, and without any that let in other origins."""
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in OURS and not name.lower().startswith(b"access-control-")
    ]
    return [*kept, (b"content-security-policy", policy), (b"cache-control", cache), *FIXED]
