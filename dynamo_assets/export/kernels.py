"""pyarrow's compute functions: most are made when it is imported, where a type checker cannot see them."""

from __future__ import annotations

from typing import Any

import pyarrow.compute

kernels: Any = pyarrow.compute
