"""Links that lead from page to page, and which pages a crawl knows."""
