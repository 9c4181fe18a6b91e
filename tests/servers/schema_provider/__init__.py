"""Terraform providers that have a schema, and make nothing.

Terraform itself does the checking of names, types, required arguments and blocks, and cannot tell
them from the real ones until they should make something. What a provider checks in its own code,
such as the values that an argument may have, is not checked.
"""
