"""Azure's worker looks for a function app in function_app.py: here it is."""

from cart.azure_functions import app

__all__ = ["app"]
