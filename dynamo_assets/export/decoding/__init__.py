"""Pages of DynamoDB JSON in, batches of Arrow arrays out: the rest of the core knows only what is named here.

A decoder of another make can take this one's place: what it must have is what `unit.py` asks of `PageDecoder`.
"""

from __future__ import annotations

from dynamo_assets.export.decoding.page_decoder import Batch, PageDecoder

__all__ = ["Batch", "PageDecoder"]
