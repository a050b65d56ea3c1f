"""Tools for authors of variants: base classes, masks, learned rates, rate schedules."""
