"""File formats of models: our own, and those in which a model travels to other programs."""

from chainrule.formats.onnx_model import save_onnx, to_onnx
from chainrule.formats.safetensors_file import load, read_metadata, save
from chainrule.formats.torch_modules import torch_source
from chainrule.formats.torch_state import load_torch, save_torch, to_torch

__all__ = [
    "load",
    "load_torch",
    "read_metadata",
    "save",
    "save_onnx",
    "save_torch",
    "to_onnx",
    "to_torch",
    "torch_source",
]
