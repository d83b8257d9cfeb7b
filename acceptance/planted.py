"""Secrets to plant into files: random, of the right form, and of no use to anybody. Made when a test asks for them, from
the templates that the rules are tested with, so that none stands in the repository."""

from __future__ import annotations

import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import secrets_templates  # noqa: E402


def secret(template: str, seed=0) -> str:
    return secrets_templates.expand(template, f"planted {seed}").decode()


def hub_token(seed=0) -> str:
    """In the form of a Hugging Face user access token."""
    return secret("hf_{letters:34}", seed)


def github_token(seed=0) -> str:
    return secret("ghp_{base62:30}{crc62}", seed)
