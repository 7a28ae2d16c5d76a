"""What a vector depends on beside its text: the part of a cache key that the encoder answers for.

See docs/pitfalls.md#stale-caches.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from hybridret.base.files import hash_json
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import weights_hash


def encoder_identity(encoder: DualEncoder) -> dict[str, str]:
    """Weights, body, pooling, prefixes and lengths, and the tokenizer, as plain text.

    Two encoders with the same identity give the same vectors.
    """
    tokenization = encoder.tokenization
    return {
        "weights": weights_hash(encoder, length=64),
        "body": encoder.body.kind,
        "architecture": getattr(encoder.body, "architecture_text", str)(),
        "pooling": encoder.pooling,
        "text": json.dumps(asdict(tokenization.text), sort_keys=True),
        "append_eos": str(tokenization.append_eos),
        "tokenizer": hash_json(tokenization.tokenizer.backend_tokenizer.to_str()),
    }
