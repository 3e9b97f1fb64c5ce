"""Lists the bot's Slack scopes, methods and events. The manifest requests exactly these scopes."""

from __future__ import annotations

SCOPES = {
    "commands": "the command itself",
    "chat:write": "scheduled reports, and answers when the response URL has expired",
    "files:write": "CSV and PDF files, and pictures of charts",
    "files:read": "to see when Slack has finished processing a picture",
    "im:write": "to send answers and files as direct messages",
    "channels:read": "to keep answers out of channels shared with other companies",
    "groups:read": "the same in private channels, and to check who is a member of them",
    "channels:history": "to check whether a report or alert was already sent",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages, and to read questions sent to the bot",
    "app_mentions:read": "questions that mention the bot",
    "users:read": "to tell members from guests, bots and people of other companies",
    "users:read.email": "for `creator:me` and `creator:@ada`: matches people to OpenRouter",
}
"""Each scope with its reason."""

METHODS = {
    "auth.test": (),
    "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": ("channels:history", "groups:history", "im:history"),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.members": ("channels:read", "groups:read"),
    "conversations.replies": ("channels:history", "groups:history", "im:history"),
    "conversations.open": ("im:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "users.info": ("users:read", "users:read.email"),
    "users.lookupByEmail": ("users:read.email",),
    "views.open": (),
    "views.publish": (),
    "views.update": (),
}
"""Every method of the Web API that the bot calls with its token, and the scopes it needs."""

EVENTS = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "message.im": ("im:history",),
}
"""Every event that the bot subscribes to, and the scopes that it needs."""
