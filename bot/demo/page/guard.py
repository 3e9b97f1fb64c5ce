"""Protects the page's server from other sites: only the page itself may call it."""

from collections.abc import Mapping

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
        " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NAMES = ("127.0.0.1", "localhost")


def refusal(method: str, headers: Mapping[str, str], port: int) -> str | None:
    """The reason why a request is refused; None if it isn't.

    A foreign ``Host`` is DNS rebinding; a foreign ``Origin`` is a page of another site.
    """
    ours = [f"{name}:{port}" for name in _NAMES] + ([*_NAMES] if port == 80 else [])
    if headers.get("Host", "").lower() not in ours:
        return "This host name is not served here."
    origin = headers.get("Origin")
    if origin is not None and origin.lower() not in [f"http://{host}" for host in ours]:
        return "Other sites may not call this."
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "Other sites may not call this."
    if method == "POST" and not headers.get("Content-Type", "").startswith("application/json"):
        return "Only JSON is accepted."
    return None
