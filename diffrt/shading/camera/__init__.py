"""Cameras. `base.py` states the contract and how to add one."""
