"""``views.*``: homes, and modals, which must be opened within three seconds of a click."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.demo.slack import blocks as block_kit
from bot.demo.slack.content import named, refusal
from bot.demo.slack.workspace import Json, SlackError, Workspace, new_secret

TRIGGER_LIFETIME = timedelta(seconds=3)
STACK = 3


@dataclass(slots=True)
class Trigger:
    """Permission to open one modal for a person."""

    user_id: str
    made_at: datetime
    used: bool = False


class Views:
    """Every modal and App Home, and the stack of open modals of each person."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.by_id: dict[str, Json] = {}
        self.homes: dict[str, Json] = {}
        self._stacks: dict[str, list[str]] = {}
        self._triggers: dict[str, Trigger] = {}

    def issue_trigger(self, user_id: str) -> str:
        """A new ``trigger_id`` for an action of this person."""
        trigger_id = f"{new_secret(4)}.{new_secret(4)}.{new_secret()}"
        with self.workspace.lock:
            self._triggers[trigger_id] = Trigger(user_id, self.workspace.clock())
        return trigger_id

    def stack(self, user_id: str) -> list[Json]:
        """The modals that are open for a person, the visible one last."""
        with self.workspace.lock:
            return [deepcopy(self.by_id[view_id]) for view_id in self._stacks.get(user_id, [])]

    def _exchange(self, trigger_id: object) -> str:
        trigger = self._triggers.get(str(trigger_id))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.workspace.clock() - trigger.made_at > TRIGGER_LIFETIME:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user_id

    def _checked(self, view: object, kind: str) -> Json:
        if not isinstance(view, dict):
            raise SlackError("invalid_arguments")
        problems = block_kit.validate_view(view)
        if problems:
            raise refusal(problems, "invalid_arguments")
        if view["type"] != kind:
            raise SlackError("invalid_arguments")
        if len(str(view)) > 250_000:
            raise SlackError("view_too_large")
        return {**view, "blocks": named(view["blocks"], self.workspace)}

    def _stored(self, content: Json, user_id: str, view_id: str, root: str, below: str) -> Json:
        defaults: Json = {"private_metadata": "", "callback_id": "", "external_id": ""}
        defaults |= {"submit": None, "close": None}
        defaults |= {"clear_on_close": False, "notify_on_close": False}
        view = {
            **defaults,
            **content,
            "id": view_id,
            "team_id": self.workspace.team_id,
            "app_id": self.workspace.app_id,
            "app_installed_team_id": self.workspace.team_id,
            "bot_id": self.workspace.bot_id,
            "root_view_id": root,
            "previous_view_id": below or None,
            "state": {"values": {}},
            "hash": f"{self.workspace.new_ts()}.{new_secret(4)}",
            "_user": user_id,
        }
        self.by_id[view_id] = view
        return view

    def _notified(self, view: Json, kind: str = "view") -> Json:
        self.workspace.changed(kind, view)
        return {"view": visible(view)}

    def put_on_top(self, user_id: str, content: object, over: bool) -> Json:
        """Show a modal, alone or on top of the open one; returns the stored view."""
        checked = self._checked(content, "modal")
        stack = self._stacks.get(user_id, []) if over else []
        if len(stack) >= STACK:
            raise SlackError("push_limit_reached")
        view_id = self.workspace.new_id("V")
        root, below = (stack[0], stack[-1]) if stack else (view_id, "")
        self._stacks[user_id] = [*stack, view_id]
        return self._stored(checked, user_id, view_id, root, below)

    def replace(self, old: Json, content: object) -> Json:
        """Put new content into an open modal or a home."""
        checked = self._checked(content, old["type"])
        root, below = old["root_view_id"], old["previous_view_id"] or ""
        return self._stored(checked, old["_user"], old["id"], root, below)

    def take_away(self, user_id: str, everything: bool = False) -> None:
        """Close the visible modal, or all of them."""
        with self.workspace.lock:
            stack = self._stacks.get(user_id, [])
            self._stacks[user_id] = [] if everything else stack[:-1]
            self.workspace.changed("view_closed", {"user": user_id})

    def open(self, args: Json) -> Json:
        """``views.open``"""
        user_id = self._exchange(args.get("trigger_id"))
        return self._notified(self.put_on_top(user_id, args.get("view"), over=False))

    def push(self, args: Json) -> Json:
        """``views.push``"""
        user_id = self._exchange(args.get("trigger_id"))
        return self._notified(self.put_on_top(user_id, args.get("view"), over=True))

    def update(self, args: Json) -> Json:
        """``views.update``"""
        old = self._find(args)
        _check_hash(old, args)
        return self._notified(self.replace(old, args.get("view")))

    def _find(self, args: Json) -> Json:
        if args.get("view_id"):
            found = self.by_id.get(str(args["view_id"]))
        else:
            wanted = args.get("external_id") or None
            views = reversed(self.by_id.values())
            found = next((view for view in views if view["external_id"] == wanted), None)
        if found is None or not self._is_there(found):
            raise SlackError("not_found")
        return found

    def _is_there(self, view: Json) -> bool:
        return view["type"] == "home" or view["id"] in self._stacks.get(view["_user"], [])

    def publish(self, args: Json) -> Json:
        """``views.publish``"""
        user_id = str(args.get("user_id"))
        if user_id not in self.workspace.users:
            raise SlackError("user_not_found")
        old = self.homes.get(user_id)
        if old:
            _check_hash(old, args)
        checked = self._checked(args.get("view"), "home")
        view_id = old["id"] if old else self.workspace.new_id("V")
        self.homes[user_id] = self._stored(checked, user_id, view_id, view_id, "")
        return self._notified(self.homes[user_id], "home")


def visible(view: Json) -> Json:
    """A view as Slack shows it to apps."""
    return {name: deepcopy(value) for name, value in view.items() if not name.startswith("_")}


def _check_hash(old: Json, args: Json) -> None:
    if args.get("hash") and args["hash"] != old["hash"]:
        raise SlackError("hash_conflict")
