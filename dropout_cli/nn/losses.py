"""Losses on logits, each with its gradient. L is the mean over the batch."""

import numpy as np

from dropout_cli.arrays import Array


def log_softmax(logits: Array) -> Array:
    """Return ln softmax(logits), (N, C), without overflow."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def softmax(logits: Array) -> Array:
    """Return the probabilities of logits (N, C)."""
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    exps /= exps.sum(axis=1, keepdims=True)
    return np.asarray(exps)


def cross_entropy(
    logits: Array, labels: Array, *, label_smoothing: float = 0.0, confidence_penalty: float = 0.0
) -> tuple[float, Array]:
    """Return the mean cross-entropy of logits (N, C) with labels (N,), and dlogits.

    L = -sum_c t_c ln p_c - beta H(p), with targets t = (1 - s) onehot + s / C (label smoothing s:
    Szegedy et al. 2015, arXiv:1512.00567; confidence penalty beta: Pereyra et al. 2017,
    arXiv:1701.06548). dlogits = (p - t + beta p (ln p + H)) / N.
    """
    n, classes = logits.shape
    rows = np.arange(n)
    logp = log_softmax(logits)
    p = np.exp(logp)
    loss = -(1 - label_smoothing) * float(logp[rows, labels].mean(dtype=np.float64))
    dlogits = p.copy()
    dlogits[rows, labels] -= 1 - label_smoothing
    if label_smoothing:
        loss -= label_smoothing * float(logp.mean(dtype=np.float64))
        dlogits -= label_smoothing / classes
    if confidence_penalty:
        entropy = -(p * logp).sum(axis=1, keepdims=True)
        loss -= confidence_penalty * float(entropy.mean(dtype=np.float64))
        dlogits += confidence_penalty * p * (logp + entropy)
    dlogits /= n
    return loss, dlogits
