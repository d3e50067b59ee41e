"""What a run has to do when that depends on what was done before: levels of links, and retries."""
