"""Everything that reads foreign bytes, fed with documents that are nearly right."""
