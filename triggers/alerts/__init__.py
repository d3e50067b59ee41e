"""Telling an operator what went wrong, by a webhook: found in the ledger, written down once, sent until taken."""
