"""The roster: an upsert that writes only what changes, memberships that hold from a time on, codes with one owner."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.challenge.roster import CHANGES_PER_ENTRY_MAX, Host, Roster, changed, changes
from app.errors import AppError
from tests import histories
from tests.book import HOSTS, HOUR, START, TEAMS, Book, roster_said

BEFORE, NOW = START - HOUR, START + HOUR


def put(roster: Roster, *hosts: dict[str, Any], teams: tuple[str, ...] = TEAMS, now: int = NOW) -> Roster:
    """The roster after one call."""
    given: dict[str, Any] = {"teams": list(teams), "stores": ["kl"], "hosts": list(hosts)}
    for body in changes(roster, given, START, now):
        roster = changed(roster, body)
    return roster


def refusal(roster: Roster, *hosts: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(AppError) as refused:
        put(roster, *hosts)
    return refused.value.code, refused.value.field


def bodies(roster: Roster, *hosts: dict[str, Any], now: int = NOW) -> list[dict[str, Any]]:
    return changes(roster, {"teams": list(TEAMS), "stores": ["kl"], "hosts": list(hosts)}, START, now)


def test_new_host_joins_its_team_at_the_start_of_the_event():
    roster = put(Roster(), {"id": "ann", "team": "ruby"})

    assert roster.hosts["ann"].memberships == ((START, "ruby"),)
    assert (roster.hosts["ann"].team_at(START - 1), roster.hosts["ann"].team_at(START)) == ("", "ruby")


def test_host_that_changes_team_does_so_from_now_on():
    roster = put(put(Roster(), {"id": "ann", "team": "ruby"}), {"id": "ann", "team": "opal"})

    assert roster.hosts["ann"].memberships == ((START, "ruby"), (NOW, "opal"))
    assert (roster.hosts["ann"].team_at(NOW - 1), roster.hosts["ann"].team_at(NOW)) == ("ruby", "opal")


def test_team_corrected_before_the_event_starts_holds_when_it_starts():
    roster = put(Roster(), {"id": "ann", "team": "ruby"}, now=BEFORE)

    roster = put(roster, {"id": "ann", "team": "opal"}, now=BEFORE)

    assert roster.hosts["ann"].team_at(START) == "opal"
    assert bodies(roster, {"id": "ann", "team": "opal"}, now=BEFORE) == []


def test_host_may_leave_its_team():
    roster = put(put(Roster(), {"id": "ann", "team": "ruby"}), {"id": "ann", "team": ""})

    assert (roster.hosts["ann"].team_at(START), roster.hosts["ann"].team_at(NOW)) == ("ruby", "")


def test_membership_of_its_own_time_stands_between_those_around_it():
    roster = put(Roster(), {"id": "ann", "team": "ruby"})
    roster = put(roster, {"id": "ann", "team": "opal", "from": START + 10 * HOUR})

    roster = put(roster, {"id": "ann", "team": "", "from": START + 5 * HOUR})

    assert [team for _, team in roster.hosts["ann"].memberships] == ["ruby", "", "opal"]


def test_membership_of_the_same_time_replaces_the_one_before():
    roster = put(Roster(), {"id": "ann", "team": "ruby"})

    roster = put(roster, {"id": "ann", "team": "opal", "from": START})

    assert roster.hosts["ann"].memberships == ((START, "opal"),)


def test_team_that_will_be_joined_later_does_not_hide_that_it_is_not_joined_yet():
    roster = put(Roster(), {"id": "ann", "team": "ruby"})
    roster = put(roster, {"id": "ann", "team": "opal", "from": NOW + HOUR})

    assert bodies(roster, {"id": "ann", "team": "ruby"}) == []
    assert put(roster, {"id": "ann", "team": "opal"}).hosts["ann"].team_at(NOW) == "opal"


@pytest.mark.parametrize(
    "record",
    [
        {"id": "ann"},
        {"id": "ann", "team": "ruby"},
        {"id": "ann", "team": "ruby", "from": START},
        {"id": "ann", "team": "ruby", "from": NOW + HOUR},
        {"id": "ann", "codes": ["ANN5"]},
        {"id": "ann", "status": "active", "commission_bps": 0, "store": "kl", "segment": ""},
    ],
)
def test_record_that_says_what_is_known_changes_nothing(record):
    roster = put(Roster(), {"id": "ann", "team": "ruby", "codes": ["ANN5"], "store": "kl"})

    assert bodies(roster, record) == []


def test_what_a_record_leaves_out_stays_as_it_was():
    full = {"id": "ann", "team": "ruby", "codes": ["ANN5"], "commission_bps": 800, "segment": "skin", "person": "p1"}
    roster = put(Roster(), full)

    roster = put(roster, {"id": "ann", "status": "hidden"})

    assert roster.hosts["ann"] == Host("ann", ((START, "ruby"),), "p1", "", "skin", "hidden", ("ANN5",), 800)


def test_body_is_whole_records_without_what_does_not_change():
    roster = put(Roster(), {"id": "ann", "team": "ruby"})

    (body,) = bodies(roster, {"id": "ann", "status": "guest"}, {"id": "bo", "team": "opal"})

    assert body.keys() == {"hosts"}
    assert "team" not in body["hosts"][0]
    assert body["hosts"][1] | {"team": "opal", "from": START} == body["hosts"][1]


def test_code_leads_to_its_host_in_any_case():
    roster = put(Roster(), {"id": "ann", "codes": ["Ann5"]})

    assert roster.codes == {"ANN5": "ann"}
    assert put(roster, {"id": "ann", "codes": []}).codes == {}


@pytest.mark.parametrize(
    ("hosts", "refused"),
    [
        ([{"id": "bo", "codes": ["ann5"]}], ("code_taken", "hosts")),
        ([{"id": "bo", "codes": ["X"]}, {"id": "cy", "codes": ["x"]}], ("code_taken", "hosts")),
        ([{"id": "House"}], ("host_id_reserved", "hosts[0].id")),
        ([{"id": "bo"}, {"id": "cy", "team": "jade"}], ("unknown_team", "hosts[1].team")),
        ([{"id": "bo", "store": "jb"}], ("unknown_store", "hosts[0].store")),
    ],
)
def test_record_that_cannot_be_is_refused_at_its_field(hosts, refused):
    roster = put(Roster(), {"id": "ann", "codes": ["ANN5"]})

    assert refusal(roster, *hosts) == refused


def test_two_hosts_may_swap_their_codes_in_one_call():
    roster = put(Roster(), {"id": "ann", "codes": ["A"]}, {"id": "bo", "codes": ["B"]})

    roster = put(roster, {"id": "ann", "codes": ["B"]}, {"id": "bo", "codes": ["A"]})

    assert roster.codes == {"B": "ann", "A": "bo"}


def test_code_given_up_in_the_same_call_is_free_in_either_order():
    roster = put(Roster(), {"id": "ann", "codes": ["A"]})

    assert put(roster, {"id": "bo", "codes": ["A"]}, {"id": "ann", "codes": []}).codes == {"A": "bo"}
    assert put(roster, {"id": "ann", "codes": []}, {"id": "bo", "codes": ["A"]}).codes == {"A": "bo"}


def test_large_roster_is_cut_into_entries_that_together_say_the_same():
    hosts = [
        {"id": f"h{number}", "team": "ruby", "codes": [f"C{number}"]} for number in range(2 * CHANGES_PER_ENTRY_MAX)
    ]

    cut = bodies(Roster(), *hosts)

    sizes = [sum(len(listed) for listed in body.values()) for body in cut]
    assert sizes == [CHANGES_PER_ENTRY_MAX, CHANGES_PER_ENTRY_MAX, 3]
    roster = put(Roster(), *hosts)
    assert (len(roster.hosts), len(roster.codes), roster.version) == (len(hosts), len(hosts), 3)


def test_roster_given_is_left_as_it_is():
    roster = put(Roster(), {"id": "ann", "team": "ruby", "codes": ["A"]})
    before = (dict(roster.hosts), dict(roster.codes), dict(roster.teams), roster.version)

    put(roster, {"id": "ann", "team": "opal", "codes": ["B"]}, {"id": "bo"}, teams=("jade", *TEAMS))

    assert (roster.hosts, roster.codes, roster.teams, roster.version) == before


def test_old_sales_stay_with_the_old_team_and_new_ones_go_to_the_new():
    book = Book()
    book.say(roster_said([{"id": "ann", "team": "opal"}]))
    moved_at = book.now

    book.now += HOUR
    book.sell(id="before", host="ann", paid_at=moved_at - 1)
    book.sell(id="after", host="ann", paid_at=moved_at, price="3.00")

    assert {row["id"]: row["score"] for row in book.board("teams")["rows"]} == {"ruby": "10.00", "opal": "3.00"}


def test_change_of_the_past_moves_no_credit_that_was_given():
    book = Book()
    book.sell(id="before", host="ann")

    book.say(roster_said([{"id": "ann", "team": "opal", "from": START}]))
    book.sell(id="after", host="ann", price="3.00")

    assert {row["id"]: row["score"] for row in book.board("teams")["rows"]} == {"ruby": "10.00", "opal": "3.00"}


@given(st.lists(histories.roster_changes(), max_size=12))
def test_same_call_again_changes_nothing_and_every_code_has_the_host_that_lists_it(calls):
    book = Book()
    for call in calls:
        book.batch([call])
        head = book.head
        book.batch([call])

        assert book.head == head
        roster = book.state.roster
        listed = {code.upper(): host.id for host in roster.hosts.values() for code in host.codes}
        assert roster.codes == listed
        for host in roster.hosts.values():
            assert list(host.memberships) == sorted(dict(host.memberships).items())


@given(st.permutations(HOSTS), st.permutations(TEAMS))
def test_roster_does_not_depend_on_the_order_of_its_records(hosts, teams):
    book = Book("draft", hosts=())
    book.say(roster_said(hosts, teams))

    roster = book.state.roster
    assert {host.id: (host.team, set(host.codes)) for host in roster.hosts.values()} == {
        host["id"]: (host.get("team", ""), set(host["codes"])) for host in HOSTS
    }
