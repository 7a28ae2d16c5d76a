"""Answers to the questions of a sweep: each module with an `ANSWER` is a section of the report and of `analyse`."""
