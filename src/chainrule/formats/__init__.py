"""File formats of models: our own, and those in which a model travels to other programs."""

from chainrule.formats.endings import export
from chainrule.formats.onnx_model import save_onnx, to_onnx
from chainrule.formats.python_file import python_source, save_python
from chainrule.formats.safetensors_file import load, read_metadata, save
from chainrule.formats.torch_modules import torch_source
from chainrule.formats.torch_state import load_torch, save_torch, to_torch

__all__ = [
    "export",
    "load",
    "load_torch",
    "python_source",
    "read_metadata",
    "save",
    "save_onnx",
    "save_python",
    "save_torch",
    "to_onnx",
    "to_torch",
    "torch_source",
]
