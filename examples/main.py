"""Google's functions framework looks for a function in main.py: here it is."""

from cart.cloud_functions import handler

__all__ = ["handler"]
