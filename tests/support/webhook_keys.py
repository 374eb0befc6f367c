"""Keys and names with which providers sign what they report."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
SECRET = "a secret of ours"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
