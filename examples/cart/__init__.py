"""A shopping cart that needs a session: the shop itself, and one file for each platform."""
