"""A PDF document that is written page by page, so that memory does not grow with its length.

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

from reports.render.fonts.shaping import meaning

_LEVEL = 1  # twice as fast as the default, and a fifth larger
_PACK = 1 << 16  # bytes of small objects that are compressed together
_HEAD = b"%PDF-1.5\n%\x93\x8c\x8b\x9e\n"


class PageTree(pdfdoc.PDFObject):
    """The root of all pages, which take their size, fonts and forms from it."""

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
        self._places: dict[int, tuple[int, int, int]] = {}
        self._pack: list[tuple[int, bytes]] = []
        self._pack_size = 0
        self.tree = self.Catalog.Pages = PageTree(size)
        self._tree = self.Reference(self.tree).format(self).decode()
        self._forms: dict[str, int] = {}
        self._write(_HEAD)
        self._page = self._begin()

    def reserve(self) -> int:
        """The number of an object that will be written later."""
        self.objectcounter += 1
        return int(self.objectcounter)

    def add(self, body: bytes, number: int | None = None) -> int:
        """Write an object that is no stream; returns its number.

        Links are most of a long document, and much alike: such objects are compressed together.
        """
        number = self.reserve() if number is None else number
        self._pack.append((number, body))
        self._pack_size += len(body)
        if self._pack_size >= _PACK:
            self._write_pack()
        return number

    def add_stream(self, content: bytes, entries: str = "", number: int | None = None) -> int:
        """Write a stream now, compressed; returns its number."""
        packed = zlib.compress(content, _LEVEL)
        head = f"<<{entries}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n"
        return self._add_now(b"%b%b\nendstream" % (head.encode(), packed), number)

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
        extra = f"/Annots[{links}]" if links else ""
        stream = self.add_stream(content)
        body = f"<</Type/Page/Parent {self._tree}/Contents {stream} 0 R{extra}>>"
        self.add(body.encode(), self._page)
        self.tree.pages.append(self._page)
        self.pageCounter += 1
        self.inObject = None
        self._page = self._begin()

    def date(self, moment: datetime) -> None:
        """Set the creation date of the document."""
        self._timeStamp.YMDhms = moment.astimezone(UTC).timetuple()[:6]

    def SaveToFile(self, _filename: object, canvas: object) -> None:  # noqa: N802 - reportlab's
        """Write the remaining objects and the cross-reference table."""
        for font in self.delayedFonts:
            font.addObjects(self)
        self._mend_unicode()
        self.Reference(self.Catalog)
        self.Reference(self.info)
        self.Outlines.prepare(self, canvas)
        if self.Outlines.ready < 0:
            self.Catalog.Outlines = None
        number = 0
        while (number := number + 1) <= self.objectcounter:  # formatting makes new objects
            name = self.numberToId.get(number)
            if name is not None:
                thing = self.idToObject[name]
                add = self._add_now if isinstance(thing, pdfdoc.PDFStream) else self.add
                add(pdfdoc.format(thing, self, toplevel=1), number)
        self._index()

    def _mend_unicode(self) -> None:
        """Rewrite what characters beyond U+FFFF stand for, so that readers can copy the text.

        reportlab writes them in UTF-32, where UTF-16 is right; a private character that stands for
        a glyph becomes the text that the glyph draws.
        """
        objects: dict[str, Any] = self.idToObject
        for name, thing in objects.items():
            if name.startswith("toUnicodeCMap:"):
                thing.content = re.sub(r"<([0-9A-F]{5,6})>", _utf16, thing.content)

    def _begin(self) -> int:
        """Number a page before it is drawn, so that bookmarks can point to it."""
        number = self.reserve()
        self.idToObjectNumberAndVersion[self.thisPageName()] = (number, 0)
        return number

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._digest.update(data)
        self._position += len(data)

    def _add_now(self, body: bytes, number: int | None = None) -> int:
        number = self.reserve() if number is None else number
        self._places[number] = (1, self._position, 0)
        self._write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        return number

    def _write_pack(self) -> None:
        """Write the small objects as one stream, which begins with where in it each of them is."""
        if not self._pack:
            return
        number, place = self.reserve(), 0
        heads = []
        for index, (member, body) in enumerate(self._pack):
            heads.append(b"%d %d" % (member, place))
            place += len(body) + 1
            self._places[member] = (2, number, index)
        head = b" ".join(heads) + b"\n"
        entries = f"/Type/ObjStm/N {len(heads)}/First {len(head)}"
        self.add_stream(head + b"\n".join(body for _, body in self._pack), entries, number)
        self._pack.clear()
        self._pack_size = 0

    def _index(self) -> None:
        """Write the cross-reference table; a number that was reserved and never used is free."""
        self._write_pack()
        own, start = self.reserve(), self._position
        self._places[own] = (1, start, 0)
        free = (0, 0, 0xFFFF)
        places = (self._places.get(number, free) for number in range(own + 1))
        rows = b"".join(
            b"%c%b%b" % (kind, where.to_bytes(5), index.to_bytes(2))
            for kind, where, index in places
        )
        root, info = (
            pdfdoc.format(self.Reference(thing), self).decode()
            for thing in (self.Catalog, self.info)
        )
        same = self._digest.hexdigest()  # the same content, the same name
        entries = f"/Type/XRef/Size {own + 1}/W[1 5 2]/Root {root}/Info {info}/ID[<{same}><{same}>]"
        self.add_stream(rows, entries, own)
        self._write(b"startxref\n%d\n%%%%EOF\n" % start)


def _utf16(match: re.Match[str]) -> str:
    code = chr(int(match[1], 16))
    drawn = meaning(code)
    text = code if drawn is None else drawn
    return f"<{text.encode('utf-16-be').hex().upper()}>"
