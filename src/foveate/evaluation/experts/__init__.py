"""Runs of Ask the Expert: live, simulated, compared."""
