"""The methods of a flat vector that compile functions; PyTensor is imported by the first call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from legacy_weights.flat.binding import Bound
from legacy_weights.flat.errors import BindingError
from legacy_weights.flat.layout import Layout


class Symbolic:
    """What :class:`FlatVector` does with graphs."""

    members: tuple[Bound, ...]
    layout: Layout

    @property
    def device(self) -> Any:
        """The jax.Device that holds the values; None on the host."""
        raise NotImplementedError

    def compile_setter(self, mode: Any = None) -> Any:
        """Compile the function theta → updates of all variables.

        It does what :meth:`FlatVector.set` does, as a PyTensor function: to be copied, pickled or
        profiled like any other.  It is slower than `set` and takes seconds to build.

        Parameters
        ----------
        mode : str or Mode, optional
            By default one that builds fast, or JAX's if the values are on a device.  NUMBA takes
            half a minute for a hundred variables.

        Returns
        -------
        pytensor.compile.executor.Function
            Of theta, a vector of exactly the layout's dtype; it raises for another length, and
            neither keeps nor aliases the array.

        Raises
        ------
        BindingError
            The mode is the plain C linker, which ends the process instead of raising.
        """
        from legacy_weights.flat.setter import compile_setter

        return compile_setter(self.layout, self._pytensor_variables(), mode, self.device)

    def function(
        self,
        inputs: Iterable[Any],
        outputs: Any,
        *,
        grad: bool = False,
        batch: bool = False,
        mode: Any = None,
        dtype: Any = None,
    ) -> Any:
        """Compile f(theta, *inputs): the outputs as if the variables were parts of theta.

        The variables keep their values, and f does not depend on them.

        Parameters
        ----------
        inputs : iterable of Variable
            As for ``pytensor.function``.
        outputs : Variable or list of Variable
        grad : bool
            Whether f also returns the gradient with respect to theta: ``[loss, gradient]``, or
            ``[loss, gradient, *others]`` for several outputs, the first of which is the loss, a
            scalar.
        batch : bool
            Whether f takes many thetas, shape ``(k, size)``, and returns outputs (and gradients)
            with a leading axis of that length.  The inputs serve all of them.
        mode : str or Mode, optional
            By default PyTensor's default, or JAX's if the values are on a device.
        dtype : dtype, optional
            Of theta and of the gradient; by default double precision, as SciPy uses, also over
            variables of single precision: it is cast within the graph.

        Returns
        -------
        pytensor.compile.executor.Function

        Raises
        ------
        BindingError
            No output depends on a variable; the loss is no scalar; the mode is the plain C linker.
        """
        from legacy_weights.flat.function import function_of_theta

        self._pytensor_variables()
        return function_of_theta(
            self.layout,
            self.members,
            inputs,
            outputs,
            grad=grad,
            batch=batch,
            mode=mode,
            device=self.device,
            dtype=dtype,
        )

    def hvp(
        self, scalar: Any, inputs: Iterable[Any], mode: Any = None, *, dtype: Any = None
    ) -> Any:
        """Compile f(theta, v, *inputs): the Hessian of a scalar times a vector, exactly.

        Parameters
        ----------
        scalar : Variable
            Such as the mean Kullback-Leibler divergence: then it is TRPO's Fisher product.
        inputs : iterable of Variable
        mode, dtype
            As for :meth:`function`.

        Returns
        -------
        pytensor.compile.executor.Function

        Raises
        ------
        BindingError
            As for :meth:`function`.
        """
        from legacy_weights.flat.function import hessian_vector_product

        self._pytensor_variables()
        return hessian_vector_product(
            self.layout,
            self.members,
            scalar,
            inputs,
            mode=mode,
            device=self.device,
            dtype=dtype,
        )

    def _pytensor_variables(self) -> list[Any]:
        from pytensor.compile.sharedvalue import SharedVariable

        for member in self.members:
            if not isinstance(member.variable, SharedVariable):
                raise BindingError(
                    f"{member.name} is a {type(member.variable).__module__} variable",
                    expected="a PyTensor one: functions are compiled by PyTensor",
                    advice="set() and get() work without.",
                )
        return [member.variable for member in self.members]
