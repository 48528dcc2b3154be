"""The steps by which one version of the hierarchy becomes the next.

Each step is a module ``mNNNN_*.py``; a step that was released never changes.
"""
