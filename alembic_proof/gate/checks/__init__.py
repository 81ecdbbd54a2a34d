"""One module is one check of a release."""
