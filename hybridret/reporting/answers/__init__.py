"""Answers to the questions of a sweep: each file or package with an `ANSWER` is a section of the report and of `analyse`."""
