"""The sections of a report, one a file: each reads the material and says what is to be told."""
