"""A PDF document that is written page by page, so that memory use doesn't grow with its length.

reportlab keeps every page until the end, and an export of a million rows has twenty thousand pages.
Fonts, bookmarks and the catalog stay reportlab's.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, BinaryIO

from reportlab.pdfbase import pdfdoc

from reports.render.fonts.shaping import glyph_text

_LEVEL = 1  # twice as fast as the default, and a fifth larger
_PENDING_LIMIT = 1 << 16  # bytes of small objects per compressed object stream
_HEAD = b"%PDF-1.5\n%\x93\x8c\x8b\x9e\n"


class PageTree(pdfdoc.PDFObject):
    """The root of the page tree; pages inherit their size, fonts and forms from it."""

    def __init__(self, size: tuple[float, float]) -> None:
        self.size = size
        self.pages: list[int] = []
        self.resources: Any = pdfdoc.PDFResourceDictionary()
        self.resources.basicFonts()

    def format(self, document: pdfdoc.PDFDocument) -> bytes:
        """The object's body, as reportlab asks for it."""
        kids = " ".join(f"{number} 0 R" for number in self.pages)
        box = "0 0 {:g} {:g}".format(*self.size)
        resources: bytes = self.resources.format(document)
        head = f"<</Type/Pages/Count {len(self.pages)}/Kids[{kids}]/MediaBox[{box}]/Resources "
        return head.encode() + resources + b">>"


class StreamedDocument(pdfdoc.PDFDocument):
    """A document whose pages are all of one size and written as they are finished."""

    # reportlab has these, its type stubs do not
    Catalog: Any
    Outlines: Any
    Reference: Callable[..., Any]
    _timeStamp: Any  # noqa: N815

    def __init__(self, out: BinaryIO, size: tuple[float, float], lang: str) -> None:
        super().__init__(compression=1, invariant=1, lang=lang)
        self._out = out
        self._position = 0
        self._digest = hashlib.blake2b(digest_size=16)
        self._offsets: dict[int, tuple[int, int, int]] = {}
        self._pending: list[tuple[int, bytes]] = []
        self._pending_size = 0
        self.tree = self.Catalog.Pages = PageTree(size)
        self._tree = self.Reference(self.tree).format(self).decode()
        self._forms: dict[str, int] = {}
        self._write(_HEAD)
        self._page = self._begin_page()

    def reserve(self) -> int:
        """The number of an object that will be written later."""
        self.objectcounter += 1
        return int(self.objectcounter)

    def add(self, body: bytes, number: int | None = None) -> int:
        """Write an object other than a stream; returns its number.

        Most objects of a long document are similar links, so they are compressed together.
        """
        number = self.reserve() if number is None else number
        self._pending.append((number, body))
        self._pending_size += len(body)
        if self._pending_size >= _PENDING_LIMIT:
            self._write_pending()
        return number

    def add_stream(self, content: bytes, entries: str = "", number: int | None = None) -> int:
        """Write a stream now, compressed; returns its number."""
        packed = zlib.compress(content, _LEVEL)
        head = f"<<{entries}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n"
        return self._write_object(b"%b%b\nendstream" % (head.encode(), packed), number)

    def form(self, name: str) -> None:
        """Let pages draw a form whose content is written after them."""
        if name not in self._forms:
            self._forms[name] = self.reserve()
            self.tree.resources.XObject[name] = f"{self._forms[name]} 0 R"

    def finish_form(self, name: str, content: bytes, box: tuple[float, float]) -> None:
        """Write the content of a form, in a box of `box` points from its origin."""
        fonts = pdfdoc.PDFObjectReference(pdfdoc.BasicFonts).format(self).decode()
        entries = (
            f"/Type/XObject/Subtype/Form/BBox[0 {-box[1]:g} {box[0]:g} {box[1]:g}]"
            f"/Resources<</Font {fonts}>>"
        )
        self.add_stream(content, entries, self._forms[name])

    def finish_page(self, content: bytes, annotations: Iterable[str] = ()) -> None:
        """Write the page and begin the next."""
        links = "".join(annotations)
        annotations_entry = f"/Annots[{links}]" if links else ""
        stream = self.add_stream(content)
        body = f"<</Type/Page/Parent {self._tree}/Contents {stream} 0 R{annotations_entry}>>"
        self.add(body.encode(), self._page)
        self.tree.pages.append(self._page)
        self.pageCounter += 1
        self.inObject = None
        self._page = self._begin_page()

    def date(self, moment: datetime) -> None:
        """Set the creation date of the document."""
        self._timeStamp.YMDhms = moment.astimezone(UTC).timetuple()[:6]

    def SaveToFile(self, _filename: object, canvas: object) -> None:  # noqa: N802 - reportlab's
        """Write the remaining objects and the cross-reference table."""
        for font in self.delayedFonts:
            font.addObjects(self)
        self._fix_unicode()
        self.Reference(self.Catalog)
        self.Reference(self.info)
        self.Outlines.prepare(self, canvas)
        if self.Outlines.ready < 0:
            self.Catalog.Outlines = None
        number = 0
        while (number := number + 1) <= self.objectcounter:  # formatting makes new objects
            name = self.numberToId.get(number)
            if name is not None:
                pdf_object = self.idToObject[name]
                add = self._write_object if isinstance(pdf_object, pdfdoc.PDFStream) else self.add
                add(pdfdoc.format(pdf_object, self, toplevel=1), number)
        self._write_xref()

    def _fix_unicode(self) -> None:
        """Correct the ToUnicode maps for characters beyond U+FFFF, so that text can be copied.

        reportlab writes them in UTF-32 where PDF requires UTF-16. A private character that was
        assigned to a glyph is mapped to the text that the glyph draws.
        """
        objects: dict[str, Any] = self.idToObject
        for name, pdf_object in objects.items():
            if name.startswith("toUnicodeCMap:"):
                pdf_object.content = re.sub(r"<([0-9A-F]{5,6})>", _utf16, pdf_object.content)

    def _begin_page(self) -> int:
        """Number a page before it is drawn, so that bookmarks can point to it."""
        number = self.reserve()
        self.idToObjectNumberAndVersion[self.thisPageName()] = (number, 0)
        return number

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._digest.update(data)
        self._position += len(data)

    def _write_object(self, body: bytes, number: int | None = None) -> int:
        number = self.reserve() if number is None else number
        self._offsets[number] = (1, self._position, 0)
        self._write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        return number

    def _write_pending(self) -> None:
        """Write the pending objects as one object stream, which begins with their offsets."""
        if not self._pending:
            return
        number, offset = self.reserve(), 0
        headers = []
        for index, (member, body) in enumerate(self._pending):
            headers.append(b"%d %d" % (member, offset))
            offset += len(body) + 1
            self._offsets[member] = (2, number, index)
        header = b" ".join(headers) + b"\n"
        entries = f"/Type/ObjStm/N {len(headers)}/First {len(header)}"
        self.add_stream(header + b"\n".join(body for _, body in self._pending), entries, number)
        self._pending.clear()
        self._pending_size = 0

    def _write_xref(self) -> None:
        """Write the cross-reference stream; a reserved number that was never written is free."""
        self._write_pending()
        xref_number, start = self.reserve(), self._position
        self._offsets[xref_number] = (1, start, 0)
        free = (0, 0, 0xFFFF)
        places = (self._offsets.get(number, free) for number in range(xref_number + 1))
        rows = b"".join(
            b"%c%b%b" % (kind, offset.to_bytes(5), index.to_bytes(2))
            for kind, offset, index in places
        )
        root, info = (
            pdfdoc.format(self.Reference(thing), self).decode()
            for thing in (self.Catalog, self.info)
        )
        file_id = self._digest.hexdigest()  # the same content gives the same id
        entries = f"/Type/XRef/Size {xref_number + 1}/W[1 5 2]/Root {root}/Info {info}"
        entries += f"/ID[<{file_id}><{file_id}>]"
        self.add_stream(rows, entries, xref_number)
        self._write(b"startxref\n%d\n%%%%EOF\n" % start)


def _utf16(match: re.Match[str]) -> str:
    code = chr(int(match[1], 16))
    drawn_text = glyph_text(code)
    text = code if drawn_text is None else drawn_text
    return f"<{text.encode('utf-16-be').hex().upper()}>"
