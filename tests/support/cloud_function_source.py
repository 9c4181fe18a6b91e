"""The file that the functions framework loads in tests: it holds the function under test."""

from support import cloud_functions

function = cloud_functions.under_test
