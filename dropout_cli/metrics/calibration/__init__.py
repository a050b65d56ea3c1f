"""Calibration of class probabilities: do predictions of confidence c come true in a share c of the cases?"""
