"""Losses on logits, each with its gradient. L is the mean over the batch."""

from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array


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
    logits: Array,
    labels: Array,
    *,
    label_smoothing: float = 0.0,
    confidence_penalty: float = 0.0,
    class_weights: Sequence[float] | None = None,
) -> tuple[float, Array]:
    """Return the mean cross-entropy of logits (N, C) with labels (N,), and dlogits.

    L = -sum_c t_c ln p_c - beta H(p), with targets t = (1 - s) onehot + s / C (label smoothing s:
    Szegedy et al. 2015, arXiv:1512.00567; confidence penalty beta: Pereyra et al. 2017,
    arXiv:1701.06548). dlogits = (p - t + beta p (ln p + H)) / N.

    With `class_weights` w every example's share of L is multiplied by w[label]; it is still divided by N, so that an
    example weighs the same in every batch.
    """
    if class_weights is not None:
        return _weighted(logits, labels, label_smoothing, confidence_penalty, class_weights)
    n, classes = logits.shape
    own = np.arange(0, n * classes, classes) + labels  # flat places are looked up in half the time of pairs
    logp = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    p = np.exp(logp)
    sums = np.add.reduce(p, axis=1, keepdims=True)
    p /= sums
    logp -= np.log(sums)
    loss = -(1 - label_smoothing) * float(np.add.reduce(logp.take(own), dtype=np.float64)) / n
    dlogits = p.copy() if confidence_penalty else p
    dlogits.reshape(-1)[own] -= 1 - label_smoothing
    if label_smoothing:
        loss -= label_smoothing * float(logp.mean(dtype=np.float64))
        dlogits -= label_smoothing / classes
    if confidence_penalty:
        entropy = -(p * logp).sum(axis=1, keepdims=True)
        loss -= confidence_penalty * float(entropy.mean(dtype=np.float64))
        dlogits += confidence_penalty * p * (logp + entropy)
    dlogits /= n
    return loss, dlogits


def _weighted(
    logits: Array, labels: Array, smoothing: float, penalty: float, class_weights: Sequence[float]
) -> tuple[float, Array]:
    """`cross_entropy` with weights; the loss of each example apart, which takes more passes."""
    n, classes = logits.shape
    w = np.asarray(class_weights, logits.dtype)[labels]
    logp = log_softmax(logits)
    p = np.exp(logp)
    t = np.full_like(p, smoothing / classes)
    t[np.arange(n), labels] += 1 - smoothing
    entropy = -(p * logp).sum(axis=1, keepdims=True)
    each = -(t * logp).sum(axis=1) - penalty * entropy[:, 0]
    dlogits = (p - t + penalty * p * (logp + entropy)) * (w[:, None] / n)
    return float((w * each).mean(dtype=np.float64)), np.asarray(dlogits)


def squared_error(outputs: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean of (o - t)^2 over outputs and targets (N, T), and doutputs = 2 (o - t) / (N T)."""
    errors = outputs - targets
    return float((errors**2).mean(dtype=np.float64)), np.asarray(errors * (2 / errors.size))


SMALLEST_VARIANCE = 1e-6


def softplus_variance(s: Array) -> Array:
    """Return v = softplus(s) + 1e-6, without overflow."""
    return np.asarray(np.maximum(s, 0) + np.log1p(np.exp(-np.abs(s))) + SMALLEST_VARIANCE)


def gaussian_loss(outputs: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean Gaussian negative log-likelihood of targets (N, T) under outputs (N, 2 T), and doutputs.

    The first T outputs are means m, the others s with v = softplus(s) + 1e-6. L = mean of ln(v) / 2 + (y - m)^2 / (2 v)
    + ln(2 pi) / 2; dm = (m - y) / v / (N T), ds = (1 - (y - m)^2 / v) / (2 v) sigmoid(s) / (N T).
    """
    count = targets.shape[1]
    means, s = outputs[:, :count], outputs[:, count:]
    v, errors = softplus_variance(s), means - targets
    ratio = errors**2 / v
    loss = float((np.log(v) + ratio).mean(dtype=np.float64)) / 2 + float(np.log(2 * np.pi)) / 2
    doutputs = np.empty_like(outputs)
    doutputs[:, :count] = errors / v / targets.size
    doutputs[:, count:] = (1 - ratio) / (2 * v) / (1 + np.exp(-np.clip(s, -80, 80))) / targets.size
    return loss, doutputs
