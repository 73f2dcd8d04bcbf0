"""The one vocabulary for the precision of a .tflite."""

from __future__ import annotations

from enum import StrEnum

from mobilenn.core.errors import RecipeError, nearest


class Precision(StrEnum):
    """How a variant stores its weights and computes its activations.

    | member | weights | activations | needs a representative dataset |
    |---|---|---|---|
    | FLOAT32 | float32 | float32 | no |
    | FLOAT16 | float16 | float32 | no |
    | DYNAMIC_INT8 | int8, per-channel | float32, quantized on the fly | no |
    | INT8 | int8, per-channel | int8 | yes |
    | INT16X8 | int8, per-channel | int16 | yes |
    | INT4 | int4, per-channel | float32, quantized on the fly | no |
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    DYNAMIC_INT8 = "dynamic_int8"
    INT8 = "int8"
    INT16X8 = "int16x8"
    INT4 = "int4"

    @property
    def weight_bits(self) -> int:
        """Bits a weight takes in the file."""
        return _WEIGHT_BITS[self]

    @property
    def needs_calibration(self) -> bool:
        """Whether activations are quantized ahead of time, from a representative dataset."""
        return self in (Precision.INT8, Precision.INT16X8)

    @classmethod
    def parse(cls, text: str) -> Precision:
        """Returns the member called `text`; raises RecipeError with the nearest name otherwise."""
        try:
            return cls(text)
        except ValueError:
            raise RecipeError(f"Unknown precision '{text}'.", nearest(str(text), list(cls))) from None


_WEIGHT_BITS = {
    Precision.FLOAT32: 32,
    Precision.FLOAT16: 16,
    Precision.DYNAMIC_INT8: 8,
    Precision.INT8: 8,
    Precision.INT16X8: 8,
    Precision.INT4: 4,
}
