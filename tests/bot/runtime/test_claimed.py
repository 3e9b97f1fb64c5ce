"""What a process has claimed is begun by it or taken back, and only once."""

from dataclasses import dataclass

from bot.runtime.claimed import Claimed


@dataclass(frozen=True)
class Item:
    id: int


def test_each_item_is_begun_or_taken_back_once():
    claimed = Claimed[Item]()
    one, two, three = (Item(n) for n in range(3))
    claimed.add([one, two, three])
    assert claimed.begin(one)
    assert not claimed.begin(one)
    assert claimed.take_back() == [two, three]
    assert claimed.take_back() == []
    assert not claimed.begin(two)


def test_what_is_claimed_again_waits_again():
    claimed = Claimed[Item]()
    claimed.add([Item(1)])
    claimed.take_back()
    claimed.add([Item(1)])
    assert claimed.begin(Item(1))
