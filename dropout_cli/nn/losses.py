"""Loss functions of logits and outputs, each with its gradient.

Every loss is a mean over the batch, L = sum_i w_i l_i / N, so its gradient is divided by the number of examples N. The
weights w_i are 1 unless they are given. The sum is not divided by that of the weights, so that the weight of an example
does not depend on the batch it is in.
"""

import numpy as np

from dropout_cli.core.types import Array


def log_softmax(logits: Array) -> Array:
    """Return ln softmax(logits) without overflow.

    Args:
        logits: (N, C).

    Returns:
        Log-probabilities, (N, C).
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def softmax(logits: Array) -> Array:
    """Return the class probabilities of logits without overflow.

    Args:
        logits: (N, C).

    Returns:
        Probabilities, (N, C); each row sums to 1.
    """
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    exps /= exps.sum(axis=1, keepdims=True)
    return np.asarray(exps)


def cross_entropy(
    logits: Array,
    labels: Array,
    *,
    label_smoothing: float = 0.0,
    confidence_penalty: float = 0.0,
    weights: Array | None = None,
) -> tuple[float, Array]:
    """Return the mean cross-entropy L and its gradient dL/dlogits.

    With targets t = (1 - s) onehot + s / C and probabilities p = softmax(logits), the loss of one example is

        -sum_c t_c ln p_c - beta H(p),   dlogits = (p - t + beta p (ln p + H)) / N

    Args:
        logits: (N, C).
        labels: Class ids, (N,).
        label_smoothing: s, in [0, 1).
        confidence_penalty: beta, the factor of the entropy H(p).
        weights: w, (N,), factors of the losses of the examples; None: all are 1.

    Returns:
        L as a float, and dL/dlogits of shape (N, C).

    References:
        Label smoothing: Szegedy et al. 2015, arXiv:1512.00567.
        Confidence penalty: Pereyra et al. 2017, arXiv:1701.06548.
    """
    if weights is not None:
        return _weighted(logits, labels, label_smoothing, confidence_penalty, weights)
    n, classes = logits.shape
    own = np.arange(0, n * classes, classes) + labels  # flat indices take half the time of pairs of indices
    logp = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    p = np.exp(logp)
    sums = np.add.reduce(p, axis=1, keepdims=True)
    p /= sums
    logp -= np.log(sums)
    # The sum is taken in float64: float32 would lose the small losses at the end of training.
    loss = -(1 - label_smoothing) * float(np.add.reduce(logp.take(own), dtype=np.float64)) / n
    dlogits = p.copy() if confidence_penalty else p  # the penalty needs p again below
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


def _weighted(logits: Array, labels: Array, smoothing: float, penalty: float, weights: Array) -> tuple[float, Array]:
    """Compute `cross_entropy` with weights."""
    # A function of its own: it needs the loss of every example, which takes more passes over the arrays.
    n, classes = logits.shape
    w = np.asarray(weights, logits.dtype)
    logp = log_softmax(logits)
    p = np.exp(logp)
    t = np.full_like(p, smoothing / classes)
    t[np.arange(n), labels] += 1 - smoothing
    entropy = -(p * logp).sum(axis=1, keepdims=True)
    losses = -(t * logp).sum(axis=1) - penalty * entropy[:, 0]
    dlogits = (p - t + penalty * p * (logp + entropy)) * (w[:, None] / n)
    return float((w * losses).mean(dtype=np.float64)), np.asarray(dlogits)


def weighted_mean(losses: Array, weights: Array | None) -> float:
    """Return the mean of w_i l_i over all elements, in float64.

    Args:
        losses: l, (N,) or (N, T).
        weights: w, (N,); None: all are 1.
    """
    return float((losses if weights is None else weigh_rows(losses, weights)).mean(dtype=np.float64))


def weigh_rows(values: Array, weights: Array | None) -> Array:
    """Return losses or gradients, with each row multiplied by the weight of its example.

    Args:
        values: (N,) or (N, T).
        weights: (N,); None returns the values as they are.

    Returns:
        An array with the shape and the dtype of `values`.
    """
    if weights is None:
        return values
    return np.asarray(values * np.asarray(weights, values.dtype).reshape(-1, *[1] * (values.ndim - 1)))


def squared_error(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """Return the mean squared error and its gradient 2 w (o - t) / (N T).

    Args:
        outputs: o, (N, T).
        targets: t, (N, T).
        weights: w, (N,), factors of the losses of the examples; None: all are 1.

    Returns:
        The mean of w (o - t)^2 over all N T elements as a float, and the gradient of shape (N, T).
    """
    errors = outputs - targets
    return weighted_mean(errors**2, weights), weigh_rows(errors * (2 / errors.size), weights)


SMALLEST_VARIANCE = 1e-6
"""Lower bound of a predicted variance. It keeps the loss finite for targets that are predicted exactly."""


def softplus_variance(s: Array) -> Array:
    """Return v = softplus(s) + 1e-6 without overflow.

    Args:
        s: Outputs before the softplus, any shape.
    """
    # ln(1 + exp(s)) = max(s, 0) + ln(1 + exp(-|s|)), whose exponent is never positive.
    return np.asarray(np.maximum(s, 0) + np.log1p(np.exp(-np.abs(s))) + SMALLEST_VARIANCE)


def gaussian_loss(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """Return the mean Gaussian negative log-likelihood and its gradient.

    With means m and v = softplus(s) + 1e-6,

        L = mean of w (ln(v) / 2 + (y - m)^2 / (2 v) + ln(2 pi) / 2)
        dm = w (m - y) / v / (N T),   ds = w (1 - (y - m)^2 / v) / (2 v) sigmoid(s) / (N T)

    Args:
        outputs: (N, 2 T); the first T columns are m, the others s.
        targets: y, (N, T).
        weights: w, (N,), factors of the losses of the examples; None: all are 1.

    Returns:
        L as a float, and dL/doutputs of shape (N, 2 T).
    """
    count = targets.shape[1]
    means, s = outputs[:, :count], outputs[:, count:]
    v, errors = softplus_variance(s), means - targets
    ratio = errors**2 / v
    constant = float(np.log(2 * np.pi)) / 2
    if weights is not None:
        constant *= float(weights.mean(dtype=np.float64))
    loss = weighted_mean(np.log(v) + ratio, weights) / 2 + constant
    doutputs = np.empty_like(outputs)
    doutputs[:, :count] = errors / v / targets.size
    # sigmoid(s); beyond +-80 it is 0 or 1 in float32, and exp(89) would overflow.
    doutputs[:, count:] = (1 - ratio) / (2 * v) / (1 + np.exp(-np.clip(s, -80, 80))) / targets.size
    return loss, weigh_rows(doutputs, weights)
