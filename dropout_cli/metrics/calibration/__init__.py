"""Calibration of class probabilities.

A classifier is calibrated if its predictions of confidence c are right in a share c of all cases.
"""
