"""``files.*``: an upload in three steps, then a while until the file is processed."""

import mimetypes
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from bot.demo.slack.chat import Chat
from bot.demo.slack.workspace import Channel, Json, SlackError

PICTURES = ("image/png", "image/jpeg", "image/gif")
ALT_TEXT_CHARACTERS = 1_000


@dataclass(slots=True)
class File:
    """An uploaded file; ``ready_at`` is set once the upload is completed."""

    id: str
    name: str
    length: int
    alt_text: str = ""
    title: str = ""
    data: bytes | None = None
    ready_at: datetime | None = None
    shares: list[tuple[str, str]] = field(default_factory=list)

    @property
    def mimetype(self) -> str:
        """The MIME type according to the file's name."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class Files:
    """All uploads, finished or not."""

    def __init__(self, chat: Chat, base_url: str, delay: timedelta) -> None:
        self.chat = chat
        self.workspace = chat.workspace
        self.base_url = base_url
        self.delay = delay
        self.uploads_disabled = False
        self.by_id: dict[str, File] = {}
        chat.content.is_image = self.is_image

    def completed(self) -> list[File]:
        """The files whose upload is complete, oldest first."""
        with self.workspace.lock:
            return [file for file in self.by_id.values() if file.ready_at]

    def is_image(self, named: Json) -> bool:
        """Whether a ``slack_file`` names a picture that has been processed."""
        for file in self.completed():
            urls = (self._url(file), self._permalink(file))
            if named.get("id") == file.id or named.get("url") in urls:
                return self._is_ready(file) and file.mimetype in PICTURES
        return False

    def _is_ready(self, file: File) -> bool:
        return file.ready_at is not None and self.workspace.clock() >= file.ready_at

    def _url(self, file: File) -> str:
        return f"{self.base_url}/files-pri/{self.workspace.team_id}-{file.id}/{quote(file.name)}"

    def _permalink(self, file: File) -> str:
        return f"{self.base_url}/files/{self.workspace.bot_user_id}/{file.id}/{quote(file.name)}"

    def as_json(self, file: File) -> Json:
        """The file as ``files.info`` returns it; most fields are empty until it is processed."""
        fields: Json = {
            "id": file.id,
            "name": file.name,
            "title": file.title or file.name,
            "user": self.workspace.bot_user_id,
            "size": file.length,
            "mimetype": "",
            "filetype": "",
            "mode": "hosted",
            "is_public": False,
            "url_private": self._url(file),
            "url_private_download": self._url(file),
            "permalink": self._permalink(file),
            "alt_txt": file.alt_text,
            "channels": [],
            "groups": [],
            "ims": [],
            "shares": {},
        }
        if self._is_ready(file):
            fields |= {"mimetype": file.mimetype, "filetype": file.name.rpartition(".")[2]}
            fields |= self._shares(file)
        return fields

    def _shares(self, file: File) -> Json:
        fields: Json = {"channels": [], "groups": [], "ims": [], "shares": {}}
        place = {"public": "channels", "private": "groups", "im": "ims"}
        for channel_id, ts in file.shares:
            kind = self.workspace.channels[channel_id].kind
            fields[place[kind]].append(channel_id)
            side = fields["shares"].setdefault("public" if kind == "public" else "private", {})
            side.setdefault(channel_id, []).append({"ts": ts})
        return fields

    def get_upload_url(self, args: Json) -> Json:
        """``files.getUploadURLExternal``"""
        if self.uploads_disabled:
            raise SlackError("file_uploads_disabled")
        name, length = args.get("filename"), args.get("length")
        if not name or length in (None, ""):
            raise SlackError("missing_argument")
        try:
            size = int(str(length))
        except ValueError:
            raise SlackError("invalid_arguments") from None
        if size < 1:
            message = "[ERROR] must be greater than 0 [json-pointer:/length]"
            raise SlackError("invalid_arguments", response_metadata={"messages": [message]})
        alt_text = str(args.get("alt_txt") or "")
        if len(alt_text) > ALT_TEXT_CHARACTERS:
            raise SlackError("alt_txt_too_large")
        file = File(self.workspace.new_id("F"), str(name), size, alt_text)
        self.by_id[file.id] = file
        return {"file_id": file.id, "upload_url": f"{self.base_url}/upload/v1/{file.id}"}

    def upload(self, file_id: str, data: bytes) -> None:
        """The second step: the bytes."""
        file = self.by_id.get(file_id)
        if file is None or file.ready_at or not data:
            raise SlackError("invalid_upload")
        file.data, file.length = data, len(data)

    def complete(self, args: Json) -> Json:
        """``files.completeUploadExternal``"""
        entries = args.get("files")
        if not isinstance(entries, list) or not entries:
            raise SlackError("invalid_arguments")
        channel = self._target(args)
        done = [self._uploaded(entry) for entry in entries]
        for file, entry in zip(done, entries, strict=True):
            file.title = str(entry.get("title") or file.name)
            file.ready_at = self.workspace.clock() + self.delay
        if channel:
            self._share(channel, done, args)
        for file in done:
            self.workspace.changed("file", self.as_json(file))
        return {"files": [{"id": file.id, "title": file.title} for file in done]}

    def _target(self, args: Json) -> Channel | None:
        channel_id = args.get("channel_id") or args.get("channels")
        if not channel_id:
            return None
        channel = self.workspace.channels.get(str(channel_id))
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.is_archived:
            raise SlackError("is_archived")
        self.chat.check_membership(channel)
        return channel

    def _uploaded(self, entry: object) -> File:
        file = self.by_id.get(str(entry.get("id"))) if isinstance(entry, dict) else None
        if file is None or file.data is None or file.ready_at:
            raise SlackError("file_not_found")
        return file

    def _share(self, channel: Channel, files: list[File], args: Json) -> None:
        extra = {"thread_ts": str(args["thread_ts"])} if args.get("thread_ts") else {}
        content = {
            "text": str(args.get("initial_comment") or ""),
            "files": [{**self.as_json(file), "mimetype": file.mimetype} for file in files],
        }
        message = self.chat.post(channel, content, **extra)
        for file in files:
            file.shares.append((channel.id, message["ts"]))

    def info(self, args: Json) -> Json:
        """``files.info``"""
        file = self.by_id.get(str(args.get("file")))
        if file is None or not file.ready_at:
            raise SlackError("file_not_found")
        return {"file": self.as_json(file)}
