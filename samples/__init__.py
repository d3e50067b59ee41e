"""Small local web sites to scrape: a generated book shop, and folders of static manuals."""
