"""Can predictions be believed? Calibration, temperature, and conformal prediction."""
