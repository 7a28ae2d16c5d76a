"""From the files of a sweep to tables, figures and one page."""
