"""Ids of groups in buttons and menus."""

from __future__ import annotations

import hashlib

from reports.usage.members import Member


def group_id(member: Member) -> str:
    """A stable id of a group, independent of its name and the database."""
    return hashlib.sha256(f"{member.dimension}:{member.ref}".encode()).hexdigest()[:24]
