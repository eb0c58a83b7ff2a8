"""The one-time page that shows a new authenticator's QR code. No script, nothing from elsewhere."""

import base64
import hashlib
import html

import segno

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1c1d; --soft: #5c5b5d; --back: #f4f4f5; --card: #fff; --line: #dcdcde;
  --act: #0b6b4f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ea; --soft: #a9a9ad; --back: #161618; --card: #222226; --line: #38383d; --act: #1f8062; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back);
  color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2rem; border: 1px solid var(--line); border-radius: .75rem;
  background: var(--card); }
h1 { margin: 0 0 .75rem; font-size: 1.3rem; line-height: 1.3; }
p, ol { margin: 0 0 1rem; color: var(--soft); }
ol { padding-left: 1.25rem; }
p:last-child, ol:last-child { margin-bottom: 0; }
strong { color: var(--ink); overflow-wrap: anywhere; }
button { width: 100%; padding: .75rem 1rem; border: 0; border-radius: .5rem; background: var(--act); color: #fff;
  font: inherit; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.08); }
button:focus-visible { outline: 3px solid var(--act); outline-offset: 3px; }
figure { margin: 0 0 1rem; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem; background: #fff; }
figure svg { display: block; width: 100%; height: auto; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of every page here."""


def asking() -> str:
    """Before the code is shown. Whatever fetches links for a preview gets no further."""
    return _page(
        "Set up your authenticator",
        "<p>Your QR code is shown <strong>once</strong>. Have your authenticator app open, and nobody behind you.</p>"
        '<form method="post"><button type="submit">Show my QR code</button></form>',
    )


def showing(otpauth: str, account: str) -> str:
    """The code. ``otpauth`` is drawn, never written."""
    drawn = segno.make(otpauth, error="m", micro=False).svg_inline(omitsize=True, border=2, dark="#000", light="#fff")
    return _page(
        "Scan this with your authenticator app",
        f'<figure role="img" aria-label="QR code for your authenticator app">{drawn}</figure>'
        f"<ol><li>Scan it; the app shows codes for <strong>{html.escape(account)}</strong>.</li>"
        "<li>Back in Slack, type the code that it shows, then the next one.</li>"
        "<li>Close this page. It cannot be opened again.</li></ol>",
    )


def over() -> str:
    """For a link that opens nothing, whatever the reason."""
    return _page(
        "This link is no longer good",
        "<p>It was used before, or its time is over. If you did not open it yourself, tell a security admin.</p>"
        "<p>For a new one, type <strong>/prodaccess enrol</strong> in Slack.</p>",
    )


def away() -> str:
    """When the database does not answer; the link was not used up."""
    return _page("Not just now", "<p>Something here does not answer. Your link is still good: try again soon.</p>")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title} · prodaccess</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
