"""The charts of a report. One more is one file here with a `CHART` (`chart.py`): it is found, written and shown."""
