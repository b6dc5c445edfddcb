"""People: how viewers of a live sale behave, in figures with their sources. A scenario may choose others.

What is measured says where; what is chosen says so.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

REACTION = 0.7
"""Seconds at the median from seeing the button light up to pressing it: 0.24 s to perceive, decide and move (Card,
Moran and Newell, The Psychology of Human-Computer Interaction, 1983: 0.1 to 0.5 s), and the way of the thumb."""

REACTION_SIGMA = 0.4
"""Of its logarithm: reaction times are log-normal, skewed to the right (R. D. Luce, Response Times, 1986). 95 % lie
between 0.3 s and 1.6 s."""

BOTS = 0.02
"""Share of those who rush a sale that react in 0 ms. Chosen: about 24 % of a retailer's traffic is bad bots (Imperva,
The State of Security Within eCommerce, 2022), but most of these scrape prices, and one makes many requests."""

INTERESTED = 0.3
"""Share of the viewers who want what is on sale: enough to sell out within seconds, not everybody. Chosen."""

DWELL, DWELL_SIGMA = 190.0, 1.5
"""Seconds that half of the viewers stay at most, and of the logarithm. Stays are heavy-tailed (K. Sripanidkulchai, B.
Maggs and H. Zhang, An Analysis of Live Streaming Workloads on the Internet, IMC 2004), about log-normal (E. Veloso et
al., A Hierarchical Characterization of a Live Streaming Media Workload, IEEE/ACM Transactions on Networking 14(1),
2006). The law is theirs; the two figures are rounded."""

STAY = 600.0
"""Seconds that a viewer stays in a room, on average: what DWELL makes."""

COMMENT_EVERY = 120.0
"""Seconds between two comments of a viewer who comments at all, in a busy room. Chosen. Per head, people say less the
more there are (A. Nematzadeh et al., Information Overload in Group Communication, R. Soc. Open Sci. 6, 2019)."""

FORBIDDEN = 0.02
"""Share of comments with a forbidden phrase. Chosen: enough of them in a minute to see each evasion."""

ZIPF = 1.0
"""Exponent of the rooms' popularity, which follows a Zipf law (Sripanidkulchai et al., see DWELL: two of them, one for
the head and one for the tail). 1 is the law as G. K. Zipf put it (1949); the value is chosen."""

PLAYING = 0.6
"""Share of the viewers who enter a draw: it costs them one touch. Chosen."""

SAMPLED = 0.02
"""Share of the viewers whose player is run in a mix of everything: segments come from a CDN, and a sample of players
tells its stalls. Chosen; the scenario `watch` runs one for each viewer."""

TOLD = 0.1
"""Share of the viewers in a mix of everything whose app tells the platform what they do. Chosen."""

CHEERING = 0.1
"""Share of the viewers who comment at once when something happens: comments come in bursts. Chosen."""

PAYING = 6.0
"""Seconds at the median from an accepted order to its payment: a glance at the price, a password or a face. Chosen."""

GREEDY = 0.1
"""Share of successful buyers who order the same goods again, to see whether the limit holds. Chosen."""

IMPATIENT = 0.05
"""Share of buyers whose app repeats an order that was answered, with the same key: a double tap, a restart of the app,
an answer that the radio lost. Chosen; retries after no answer at all come on top (shop.Patience)."""


def zipf(count: int, exponent: float = ZIPF) -> list[float]:
    """The shares of so many rooms, the most popular first: the k-th has a part proportional to 1 / k^exponent."""
    parts = [rank**-exponent for rank in range(1, count + 1)]
    return [part / sum(parts) for part in parts]


class Popularity:
    """Draws one of several names, of which the first is the most popular."""

    def __init__(self, names: Sequence[str], exponent: float = ZIPF) -> None:
        self.names = names
        self._edges = list(accumulate(zipf(len(names), exponent)))[:-1]

    def draw(self, chance: float | None = None) -> str:
        """One of the names by chance, or by a number from 0 to below 1."""
        return self.names[bisect(self._edges, random.random() if chance is None else chance)]
