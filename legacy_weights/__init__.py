"""Opens Theano-era files without running them, and brings their weights to PyTensor."""
