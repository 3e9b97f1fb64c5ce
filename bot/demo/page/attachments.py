"""Decides how files are served: shown in the browser if that is harmless, else downloaded."""

from urllib.parse import quote

_SHOWN = {
    "application/pdf": "application/pdf",
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/gif": "image/gif",
    "text/csv": "text/plain; charset=utf-8",
    "text/plain": "text/plain; charset=utf-8",
}


def attachment(name: str, mimetype: str, *, download: bool) -> tuple[str, dict[str, str]]:
    """The content type and headers for a file of this name; pages and scripts are never run."""
    shown = _SHOWN.get(mimetype)
    if download or shown is None:
        kind, way = "application/octet-stream", "attachment"
    else:
        kind, way = shown, "inline"
    headers = {"Content-Disposition": f"{way}; filename*=UTF-8''{quote(name, safe='')}"}
    if kind == "application/pdf":
        # The browser's own viewer is a page with scripts, which the page's policy would stop.
        headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    return kind, headers
