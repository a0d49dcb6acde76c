"""JAX, as the engine uses it: imported at first need, with float64 and a memory for programs."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from typing import Any

from chainrule.distributed import interrupts_held
from chainrule.errors import OptionError, optional_package


@functools.cache
@interrupts_held()
def jax_module() -> Any:
    """JAX, told to keep what it compiles for the next process, unless the user has told it where.

    A network's step compiles in some tenths of a second, and is found again in some hundredths.

    Raises:
        MissingPackageError: JAX is not installed.
    """
    jax = optional_package("jax", "xla", "engine='xla'")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "chainrule", "xla")
    if jax.config.jax_compilation_cache_dir is None:
        with contextlib.suppress(OSError):  # a home that cannot be written to: nothing is kept
            os.makedirs(folder, exist_ok=True)
            jax.config.update("jax_compilation_cache_dir", folder)
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
            jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return jax


@contextlib.contextmanager
def full_memory_told() -> Iterator[None]:
    """Says what to do where the device has no memory left.

    Raises:
        OptionError: it has none.
    """
    try:
        yield
    except jax_module().errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise OptionError(
            "the device's memory is full. Give memory_limit=, in bytes, so that the data are "
            "streamed; a smaller batch_size, or fewer units, need less too."
        ) from error


def all_dtypes() -> contextlib.AbstractContextManager[Any]:
    """float64 where the graph says so: JAX by itself would make it float32."""
    context: contextlib.AbstractContextManager[Any] = jax_module().enable_x64(True)
    return context
