"""The one guarded way to read an HDF5 file, our own files included.

An HDF5 file can lead a reader out of itself (external links, external storage, virtual datasets),
round in circles (hard links), into memory that the file does not back, and, with PyTables, into a
pickle.  Here nothing is followed, nothing is unpickled, and what the HDF5 library says against a
file is an error of this package with the path inside the file.

A file is walked as plain descriptions (:class:`Group`, :class:`Dataset`, :class:`Link`,
:class:`Other`); values are read by path.
"""

from legacy_weights.hdf5._file import File
from legacy_weights.hdf5._nodes import Dataset, Group, Link, Node, Other, Unread

__all__ = ["Dataset", "File", "Group", "Link", "Node", "Other", "Unread"]
