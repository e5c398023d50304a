"""A ranking repaired row by row is the ranking sorted whole: a total order, the same in every process."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.challenge.ranking import Ranking

MEASURE = 1
# Few scores and positions, so that ties of both are common; ids whose order differs by case, digits and alphabet.
IDS = [f"h{number}" for number in range(40)] + ["H1", "ha", "é", "z", "\U0001f600", "中"]


def tally(score: int, reached: int) -> list[int]:
    """One tally; what is not asked for is filled with what would rank otherwise."""
    return [99 - score, score, 7, 7, 1, reached, 2, 3]


def sorted_whole(tallies: dict[str, list[int]], excluded: set[str]) -> list[str]:
    shown = [identity for identity in tallies if identity not in excluded]
    return sorted(shown, key=lambda i: (-tallies[i][MEASURE], tallies[i][4 + MEASURE], i.encode("utf-8")))


def ids(ranking: Ranking) -> list[str]:
    """The rows as they stand."""
    rows = ranking.keys()
    return [identity for *_, identity in rows]


def test_higher_score_first_then_who_reached_it_first_then_the_id():
    tallies = {"c": tally(5, 9), "b": tally(5, 8), "a": tally(5, 9), "d": tally(6, 99), "e": tally(-1, 0)}

    assert ids(Ranking(tallies, MEASURE, ())) == ["d", "b", "a", "c", "e"]


def test_excluded_ids_have_no_row_whatever_they_sell():
    tallies = {"a": tally(1, 1), "b": tally(2, 2)}
    ranking = Ranking(tallies, MEASURE, {"b"})
    ranking.touch("b")

    assert ids(ranking) == ["a"]
    assert ranking.index_of("b") is None
    assert ranking.index_of("nobody") is None


def test_equal_scores_share_the_place_of_the_first():
    scores = {"a": 9, "b": 5, "c": 5, "d": 5, "e": 1}
    ranking = Ranking({identity: tally(score, 1) for identity, score in scores.items()}, MEASURE, ())

    assert [ranking.shared_index(index) for index in range(5)] == [0, 1, 1, 1, 4]


@given(
    st.dictionaries(st.sampled_from(IDS), st.builds(tally, st.integers(-2, 3), st.integers(0, 4)), min_size=1),
    st.sets(st.sampled_from(IDS), max_size=5),
)
def test_ranking_is_the_whole_sorted_and_knows_where_everybody_is(tallies, excluded):
    ranking = Ranking(tallies, MEASURE, excluded)

    keys = ranking.keys()

    assert [identity for *_, identity in keys] == sorted_whole(tallies, excluded)
    assert all(one < other for one, other in pairwise(keys))
    assert [ranking.index_of(identity) for *_, identity in keys] == list(range(len(keys)))


class Changing(RuleBasedStateMachine):
    """Tallies change and rows appear while somebody looks now and then: the repair always equals the sort."""

    @initialize(count=st.integers(1, len(IDS)), excluded=st.sets(st.sampled_from(IDS), max_size=4))
    def begin(self, count: int, excluded: set[str]) -> None:
        self.excluded = excluded
        self.tallies = {identity: tally(0, 0) for identity in IDS[:count]}
        self.ranking = Ranking(self.tallies, MEASURE, excluded)
        self.position = 0
        self.ranking.keys()

    @rule(data=st.data(), step=st.integers(-3, 3), how_many=st.integers(1, 4))
    def sell(self, data: Any, step: int, how_many: int) -> None:
        self.position += 1
        for identity in data.draw(st.lists(st.sampled_from(sorted(self.tallies)), max_size=how_many)):
            own = self.tallies[identity]
            own[MEASURE] += step
            own[4 + MEASURE] = self.position
            self.ranking.touch(identity)

    @precondition(lambda self: len(self.tallies) < len(IDS))
    @rule()
    def join(self) -> None:
        identity = next(identity for identity in IDS if identity not in self.tallies)
        self.tallies[identity] = tally(0, 0)
        self.ranking.touch(identity)

    @rule()
    def look(self) -> None:
        self.compare()

    @invariant()
    def now_and_then(self) -> None:
        if hasattr(self, "tallies") and self.position % 3 == 0:
            self.compare()

    def compare(self) -> None:
        assert ids(self.ranking) == sorted_whole(self.tallies, self.excluded)


TestChanging = Changing.TestCase
