"""What authors of variants build on: base classes, masks, learned rates, rate schedules."""
