"""The only room that opens files of instruments."""
