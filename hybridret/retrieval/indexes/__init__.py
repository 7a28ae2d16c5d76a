"""Kinds of search over passage vectors; plug-in `index`. A new one is a file here and a yaml in `conf/index`."""
