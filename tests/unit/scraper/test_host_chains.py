"""Which sources take turns, since they ask the same host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.manners.host_chains import host_chains
from scraper.sources import Source


def sources(**hosts: str) -> list[Source]:
    """Sources by name, each with pages on these hosts."""
    return [
        Source.model_validate(
            {"name": name, "urls": [f"https://{host}/{name}" for host in listed.split()], "fields": {"t": "h1"}}
        )
        for name, listed in hosts.items()
    ]


@pytest.mark.parametrize(
    ("hosts", "chains"),
    [
        ({}, []),
        ({"a": "one.example", "b": "two.example"}, [["a"], ["b"]]),
        ({"a": "one.example", "b": "two.example", "c": "One.example:8080"}, [["a", "c"], ["b"]]),
        ({"a": "one.example", "b": "two.example", "c": "two.example one.example"}, [["a", "b", "c"]]),
        ({"b": "x.example", "a": "x.example"}, [["b", "a"]]),
    ],
)
def test_sources_that_share_a_host_are_in_one_chain_in_their_order(
    hosts: dict[str, str], chains: list[list[str]]
) -> None:
    assert host_chains(sources(**hosts)) == chains


@given(st.lists(st.sets(st.sampled_from("pqrst"), min_size=1), max_size=12))
def test_every_source_is_in_one_chain_and_no_host_in_two(hosts: list[set[str]]) -> None:
    by_name = {f"s{number}": set(some) for number, some in enumerate(hosts)}
    everything = sources(**{name: " ".join(f"{host}.example" for host in some) for name, some in by_name.items()})
    chains = host_chains(everything)
    assert sorted(name for chain in chains for name in chain) == sorted(by_name)
    used = [set().union(*(by_name[name] for name in chain)) for chain in chains]
    assert sum(map(len, used)) == len(set().union(*used))
