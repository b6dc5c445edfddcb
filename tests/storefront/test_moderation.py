"""Tests of moderation: evasions are seen through, and ordinary comments are let through."""

import pytest

from storefront.bugs.forbidden_phrase import Narrow
from storefront.moderation import PHRASES, Moderation

EVASIONS = {
    "case": "BUY Followers here",
    "spaces": "b u y   f o l l o w e r s",
    "spaces between characters": "专业 刷 单",
    "zero-width characters": "counter\u200bfeit\u200d goo\ufeffds",
    "zero-width joiner in Chinese": "加\u200d微\u2060信 详聊",
    "soft hyphen": "add me on tele\u00adgram",
    "full-width letters": "ｂｕｙ　ｆｏｌｌｏｗｅｒｓ",
    "mathematical letters": "𝐛𝐮𝐲 𝐟𝐨𝐥𝐥𝐨𝐰𝐞𝐫𝐬",
    "circled letters": "ⓐⓓⓓ me on telegram",
    "Cyrillic look-alikes": "соuntеrfеit gооds",
    "Greek look-alikes": "buγ fοllοwerѕ",
    "digits for letters": "add m3 0n te1egram",
    "dots": "刷.单，代·开·发·票",
    "accents": "búy föllowers",
    "traditional characters": "代開發票",
    "direction marks": "buy\u202e followers",
}


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_is_found_wherever_it_stands(phrase: str) -> None:
    moderation = Moderation()
    assert moderation.forbids(phrase)
    assert moderation.forbids(f"fc:7f3a|1|1712.5 hello {phrase}!!! 你好")


@pytest.mark.parametrize("evasion", EVASIONS)
def test_an_evasion_is_seen_through(evasion: str) -> None:
    assert Moderation().forbids(EVASIONS[evasion])


@pytest.mark.parametrize(
    "said",
    [
        "buy now, followers of mine!",
        "I follow her, good. Counterfeit? Goods here are real",
        "这支口红多少钱？我也要一单",
        "刷了一天牙，单买牙刷",
        "加油！微信红包不行，信不信",
        "fc:7f3a|1|1712.5 привет \N{PARTY POPPER}",
        "",
    ],
)
def test_ordinary_comments_pass(said: str) -> None:
    assert not Moderation().forbids(said)


def test_the_planted_bug_lets_one_evasion_through_and_no_other() -> None:
    assert {evasion for evasion, said in EVASIONS.items() if not Narrow().forbids(said)} == {"full-width letters"}
