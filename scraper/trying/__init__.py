"""One page of a source, asked for and read as a run would, with a word on everything that is done."""
