"""What the bot may do in Slack, and why: the manifest asks for these scopes and for no more."""

from __future__ import annotations

SCOPES = {
    "commands": "the command itself",
    "chat:write": "scheduled reports, and answers where a response URL is used up",
    "files:write": "CSV, PDF and pictures of charts",
    "files:read": "to see when Slack has a picture ready to be shown",
    "im:write": "to open the direct messages that answers and files go to",
    "channels:read": "to share no answer in a channel where people of other companies read along",
    "groups:read": "the same in private channels",
    "channels:history": "to see in a channel whether a report is there, where no answer came",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages, and questions in the bot's own",
    "app_mentions:read": "questions that mention the bot",
    "users:read": "to tell full members from guests, bots and people of other companies",
    "users:read.email": "`creator:me` and `creator:@ada`: the address is the same at OpenRouter",
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
"""Every event that the bot is told of, and the scopes that this takes."""
