"""An independent forward pass of small Keras models, by NumPy and SciPy.

Convolutions are cross-correlations, as PyTorch and TensorFlow have them.
"""

import numpy as np
from scipy.signal import correlate


def convolve(x, kernel, ordering):
    """Correlate images with kernels of two or three dimensions, without padding."""
    if ordering == "tf":
        x, kernel = np.moveaxis(x, -1, 1), np.moveaxis(kernel, (-1, -2), (0, 1))
    out = np.stack(
        [
            np.stack(
                [
                    sum(
                        correlate(c, k, "valid", "direct") for c, k in zip(image, filt, strict=True)
                    )
                    for filt in kernel
                ]
            )
            for image in x
        ]
    )
    return np.moveaxis(out, 1, -1) if ordering == "tf" else out


def convolve1d(x, kernel):
    """Correlate sequences (batch, length, channels) with kernels (length, 1, in, out)."""
    return convolve(x, kernel[:, 0], "tf")


def pool(x, ordering):
    """Take the largest of each two by two places, and leave the rest out."""
    if ordering == "tf":
        return np.moveaxis(pool(np.moveaxis(x, -1, 1), "th"), 1, -1)
    batch, channels, rows, cols = x.shape
    x = x[:, :, : rows // 2 * 2, : cols // 2 * 2]
    return x.reshape(batch, channels, rows // 2, 2, cols // 2, 2).max(axis=(3, 5))


def normalize(x, arrays, ordering, scale):
    """Normalize each channel; `scale` makes the divisor of the second running average."""
    per_channel = ordering == "th" and arrays[0].ndim == 1
    gamma, beta, mean, spread = (a[:, None, None] if per_channel else a for a in arrays)
    return gamma * (x - mean) / scale(spread) + beta
