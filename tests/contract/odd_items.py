"""Items as nobody would invent them and people have them all the same: what is odd about each, and what it is made of."""

from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519


def text(label: str | None, value: str | None, **more: Any) -> dict[str, Any]:
    """An ordinary field."""
    return {"label": label, "value": value, "type": "STRING", **more}


def private_key() -> str:
    """A key that opens nothing."""
    return (
        ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


OTP: Final = "otpauth://totp/Example:me@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example&algorithm=SHA256&digits=8&period=60"

ITEMS: Final[dict[str, dict[str, Any]]] = {
    "labels that occur twice": {
        "title": "twice",
        "sections": [{"id": "one", "label": "same"}, {"id": "two", "label": "same"}],
        "fields": [text("host", "first"), text("host", "second", section="one"), text("host", "", section="two"), text("Host", "upper")],
    },
    "empty sections and no section": {
        "title": "sections",
        "sections": [{"id": "empty", "label": ""}, {"id": "linked items", "label": "Related Items"}, {"id": "never-used", "label": "x"}],
        "fields": [text("in empty", "a", section="empty"), text("in related", "b", section="linked items"), text("in none", "c")],
    },
    "emoji": {
        "title": "🔑 prod 👩‍👩‍👧",
        "tags": ["🏷️", "k8s"],
        "fields": [text("😄 ice-cream type", "🍦"), text("🔥", "no key at all"), text("password", "🔑🔑")],
    },
    "Unicode composed and not": {
        "title": "Zürich e\u0301tage",
        "fields": [text("Ключ", "значение"), text("e\u0301", "decomposed"), text("é", "composed"), text("İstanbul", "dotted")],
    },
    "a title like an identifier": {"title": "abcdefghijklmnopqrstuvwxyz", "fields": [text("user", "a")]},
    "quotes and backslashes": {
        "title": 'a "quoted" \\ title \' and & # + % more',
        "fields": [text('the "label"', 'a "value" \\n with \\ and \''), text("back\\slash", "\\"), text("{json}", '{"a": ["b"]}')],
    },
    "blanks, tabs and line ends": {
        "title": "  blanks  ",
        "fields": [text("certificate", "-----BEGIN-----\r\nabc\n-----END-----\n"), text("tab\there", "\t"), text(" edges ", " kept ")],
    },
    "five hundred fields": {
        "title": "five hundred",
        "sections": [{"id": "s", "label": "many"}],
        "fields": [text(f"field {number:03}", f"value {number}", section="s" if number % 2 else None) for number in range(500)],
    },
    "a one-time password": {
        "title": "otp",
        "fields": [text("one-time password", OTP, type="OTP"), text("raw seed", "JBSWY3DPEHPK3PXP", type="OTP")],
    },
    "an SSH key": {"title": "ssh", "category": "SSH_KEY", "fields": [text("private key", private_key(), type="SSHKEY")]},
    "dates": {
        "title": "dates",
        "category": "DATABASE",
        "fields": [text("since", "2024-02-29", type="DATE"), text("until", "2031/07", type="MONTH_YEAR")],
    },
    "purposes and concealed fields": {
        "title": "login",
        "fields": [
            text("user", "me", purpose="USERNAME"),
            text("pass", "word", purpose="PASSWORD", type="CONCEALED"),
            text(None, "notes\nin lines", purpose="NOTES"),
            text("none", None),
        ],
    },
    "addresses": {
        "title": "urls",
        "urls": [{"href": "https://one.example/?a=b&c=%20#d"}, {"href": "https://two.example", "primary": True}],
        "fields": [text("user", "a")],
    },
    "labels that give strange keys": {
        "title": "keys",
        "fields": [text(".", "a"), text("..x", "b"), text("-foo-", "c"), text("x" * 300, "d"), text("a/b::c", "e"), text("_", "f")],
    },
}
"""By what is odd about them; the members are those of the official client's models."""

FILES: Final[dict[str, bytes]] = {
    "ca.pem": b"-----BEGIN CERTIFICATE-----\n",
    "schlüssel für 東京.bin": bytes(range(256)),
    'a "quoted" name.txt': b"quoted",
    "empty": b"",
}
"""Files of one more item. Connect takes none over its API, so they come in as a person would bring them in the app."""
