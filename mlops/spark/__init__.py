"""The engine ``spark``: the factors of a training, found by the alternating least squares of Spark MLlib.

``cluster`` is what a training holds; ``driver`` is the program beside it that speaks to Spark, and alone imports it;
``exchange`` is how ratings and factors go between, as Parquet.
"""

from __future__ import annotations
