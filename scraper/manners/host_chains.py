"""Which sources may be scraped at the same time: those that share no host."""

from collections.abc import Iterable

from scraper.sources import Source


def host_chains(sources: Iterable[Source]) -> list[list[str]]:
    """The names of `sources`, those that share a host with each other, directly or by others, in one list.

    Each list keeps the order of `sources`, and so do the lists by their first names. The limits of a source hold for a
    host only while no other source asks it, so the sources of a list have to take turns.
    """
    chains: list[tuple[set[str], list[Source]]] = []
    everything = list(sources)
    for source in everything:
        hosts, members = set(source.hosts), [source]
        apart = []
        for chain in chains:
            if chain[0] & hosts:
                hosts |= chain[0]
                members = [*chain[1], *members]
            else:
                apart.append(chain)
        chains = [*apart, (hosts, members)]
    place = {source.name: number for number, source in enumerate(everything)}
    return sorted(
        (sorted((source.name for source in members), key=place.__getitem__) for _, members in chains),
        key=lambda names: place[names[0]],
    )
