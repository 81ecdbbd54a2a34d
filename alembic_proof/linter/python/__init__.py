"""Reads revision files: LibCST parses them, an evaluator follows them; nothing is imported."""
