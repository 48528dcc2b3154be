"""Shared variables seen as one vector theta."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from legacy_weights.errors import LayoutError
from legacy_weights.flat.binding import Bound, bound
from legacy_weights.flat.errors import BindingError
from legacy_weights.flat.layout import Layout
from legacy_weights.flat.loading import theta_of
from legacy_weights.flat.placement import Placed
from legacy_weights.flat.symbolic import Symbolic
from legacy_weights.flat.theta import checked_theta
from legacy_weights.flat.trial import Trial
from legacy_weights.tree import AnyArray


class FlatVector(Placed, Symbolic):
    """Shared variables bound to one flat vector theta.

    Theta is the variables' values laid end to end in C order, in the order given.  Every method
    does what it says for all variables, or raises and changes none.

    Parameters
    ----------
    variables : iterable or mapping of str to SharedVariable
        Of PyTensor or of Aesara, with arrays of floats.  Without names given here, a variable is
        called by its own name; one that has none, or shares it, by its zero-padded position.
    backend : {"host", "jax"}
        ``"host"``: the values are NumPy arrays, for functions in the modes NUMBA and CVM and with
        the linker vm.  ``"jax"``: they are jax.Arrays on one device, for functions in mode JAX.
    device : jax.Device, optional
        Where ``"jax"`` keeps the values; by default where they are, else JAX's default device.
    dtype : dtype, optional
        Of theta: needed where the variables have several dtypes, and it must hold each exactly.
        Values of theta are then rounded to the dtype of each variable.

    Attributes
    ----------
    variables : tuple of SharedVariable
    members : tuple of Bound
        The variables with their names and storage cells.
    layout : Layout
        Name, start, size, shape and dtype of each.

    Raises
    ------
    BindingError
        A variable is no shared array of floats, two share their storage, or dtypes or devices
        differ.

    Notes
    -----
    *Storage.*  On the host nothing changes until the first :meth:`set` or :meth:`view`; then each
    variable's value becomes a view of one buffer.  Arrays that were handed out before, by
    ``get_value(borrow=True)`` or by a compiled function that moved a value into another variable,
    keep their values: as long as someone holds one, ``set`` takes a fresh buffer, which costs
    the memory and the time to get it.  (Functions of linkers that never free what they computed,
    such as ``cvm_nogc``, hold views too.)

    *Threads.*  A binding may be used from several threads: :meth:`set`, :meth:`get` and
    :meth:`view` are atomic with respect to each other.  A trial, :meth:`lerp` and a move to another
    device are several steps.  Compiled functions know of no lock: on the host, do not run one
    while another thread sets.

    *Copies.*  ``copy.copy`` gives a second binding of the same variables (each sees what the other
    sets, at the cost of moving the values to its own buffer), ``copy.deepcopy`` and pickling a
    binding of copies of the variables.  With ``"jax"`` the device is found again by platform and
    number.
    """

    def __init__(
        self,
        variables: Iterable[Any] | Mapping[str, Any],
        backend: Literal["host", "jax"] = "host",
        *,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.members: tuple[Bound, ...] = bound(variables)
        self.variables: tuple[Any, ...] = tuple(member.variable for member in self.members)
        self.layout = Layout.of(((m.name, m.shape, m.dtype) for m in self.members), dtype)
        self._place(backend, device)

    def __repr__(self) -> str:
        place = self.backend if self.device is None else f"{self.backend} {self.device}"
        return f"FlatVector({len(self.layout)} variables, {self.size} {self.layout.dtype}, {place})"

    @property
    def size(self) -> int:
        """Number of elements of theta."""
        return self.layout.size

    @property
    def slices(self) -> dict[str, slice]:
        """The place in theta of each variable, by name."""
        return self.layout.slices

    def set(self, theta: Any, *, cast: bool = False) -> None:
        """Give the variables the values of theta: all of them, or raise and none.

        Parameters
        ----------
        theta : array_like, shape (size,)
            Strided, read-only, misaligned and byte-swapped arrays are fine, and narrower floats.
            It is copied, and free again when this returns.  With ``"jax"`` it may be a jax.Array
            on the same device, which makes no way through the host.
        cast : bool
            Whether values may be rounded to theta's dtype, or converted from integers.

        Raises
        ------
        LayoutError
            The length or the number of dimensions is another; or a variable was given a value of
            another shape since it was bound.
        CastError
            The dtype does not fit.
        BindingError
            Theta is committed to another device.
        """
        self._store.set(theta, cast)

    def get(self, out: AnyArray | None = None, *, device: bool = False) -> Any:
        """Return the values of the variables: always a copy.

        Parameters
        ----------
        out : ndarray, shape (size,), optional
            Is filled and returned, instead of a new array.
        device : bool
            Whether to return a jax.Array on the binding's device instead of a NumPy array.

        Raises
        ------
        LayoutError
            `out` has another length or dtype, or is read-only; or a variable was given a value of
            another shape since it was bound.
        """
        if not device:
            return self._store.get(out)
        if self.device is None or out is not None:
            raise BindingError(
                "there is no device to get theta on" if self.device is None else "out is given",
                expected='backend="jax", and no out',
            )
        return self._store.get_on_device()

    def view(self) -> AnyArray:
        """Return the values without copying them, read-only.

        The next :meth:`set` leaves the view as it is, and takes a fresh buffer.  A compiled
        function that updates the variables in place shows in a view of the host.
        """
        view: AnyArray = self._store.view()
        return view

    def trial(self) -> Trial:
        """Return a context in which values can be tried: they come back, unless they are kept.

        Examples
        --------
        >>> with flat.trial() as trial:
        ...     trial.set(theta + step)
        ...     if loss() < before:
        ...         trial.keep()
        """
        return Trial(self)

    def _save(self) -> Any:
        return self._store, self._store.save()

    def _restore(self, saved: Any) -> None:
        store, values = saved
        # The values may have moved to another device meanwhile; they are restored there.
        if store is self._store:
            store.restore(values)
        else:
            self._store.set(store.as_theta(values))

    def flatten(self, arrays: Mapping[str, Any], *, cast: bool = False) -> AnyArray:
        """Return a theta of named arrays; the variables keep their values.

        See :meth:`Layout.flatten`.
        """
        return self.layout.flatten(arrays, cast=cast)

    def unflatten(self, theta: Any) -> dict[str, AnyArray]:
        """Return the arrays of a theta by name, as views of it; the variables keep their values.

        See :meth:`Layout.unflatten`.
        """
        return self.layout.unflatten(theta)

    def subset(self, *patterns: str) -> FlatVector:
        """Return a binding of the variables whose names match a shell pattern.

        Parameters
        ----------
        *patterns : str
            As :mod:`fnmatch` reads them, case-sensitive; ``*`` matches ``/`` too.

        Notes
        -----
        Both bindings stay right whatever the other does.  Each keeps the values in a buffer of its
        own, so that using :meth:`set` of both by turns costs a second copy of the subset.

        Raises
        ------
        LayoutError
            A pattern matches nothing.
        """
        chosen = {entry.name for entry in self.layout.select(*patterns)}
        named = {m.name: m.variable for m in self.members if m.name in chosen}
        dtype = self.layout.dtype
        return FlatVector(named, self._store.name, device=self.device, dtype=dtype)

    def lerp(self, other: FlatVector | AnyArray, tau: float) -> None:
        """Move towards `other`: ``theta = (1 - tau) theta + tau other``, as target networks do.

        Parameters
        ----------
        other : FlatVector or array_like, shape (size,)
            Of the same shapes, in the same order; names may differ.
        tau : float
            From 0 (stay) to 1 (become `other`), both exact.

        Raises
        ------
        LayoutError
            The shapes differ, or `tau` is out of range.
        """
        if not 0 <= tau <= 1:
            raise LayoutError(f"tau is {tau}", expected="a number from 0 to 1")
        dtype = self.layout.dtype
        if isinstance(other, FlatVector):
            if other.layout.shapes != self.layout.shapes:
                raise LayoutError(
                    f"the other binding has the shapes {other.layout.shapes}",
                    expected=str(self.layout.shapes),
                )
            other = other.get()
        goal = checked_theta(other, self.size, dtype)
        if tau == 0:
            return
        if tau < 1:
            # In theta's own precision: a Python float does not widen float32.
            goal = self.get() * dtype.type(1 - tau) + goal * dtype.type(tau)
        self._store.set(goal)

    def load(self, source: Any, *, snapshot: str | None = None, cast: bool = False) -> None:
        """Give the variables the flat vector of a file, by the layout that the file carries.

        Parameters
        ----------
        source : path, Tree or Snapshot
            A migrated file, or a legacy one.
        snapshot : str, optional
            Which set of weights, if the file has several; by default the file's own choice.
        cast : bool
            Whether values may be rounded to the variables' dtypes.

        Raises
        ------
        OrderError
            Nothing states the order of the file's arrays, or the snapshot was cut off.
        LayoutError
            Shapes differ, or a name stands in another place.
        CastError
            A dtype does not fit.
        """
        self._store.set(theta_of(self.layout, source, snapshot, cast))
