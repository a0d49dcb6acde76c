"""File formats of models."""

from chainrule.formats.safetensors_file import load, read_metadata, save

__all__ = ["load", "read_metadata", "save"]
