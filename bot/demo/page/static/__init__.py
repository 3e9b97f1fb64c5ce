"""The page's own files, as they are sent to the browser."""

from importlib.resources import files

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
}
FONTS = "reports.render.fonts"


def read(name: str) -> tuple[str, bytes] | None:
    """A file's content type and bytes; None if there is no such file."""
    kind = TYPES.get(name.rpartition(".")[2])
    if kind is None or "/" in name or "\\" in name or name.startswith("."):
        return None
    found = files(FONTS if name.endswith(".ttf") else __name__) / name
    return (kind, found.read_bytes()) if found.is_file() else None
