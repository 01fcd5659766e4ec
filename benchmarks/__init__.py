"""Measurements of Winnow beside what a user would pick instead; ratios from one run, never asserted in a test."""
