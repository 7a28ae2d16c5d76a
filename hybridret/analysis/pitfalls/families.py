"""Language families, as Glottolog 5 names the top of its trees, of the languages that test sets here are in."""

from __future__ import annotations

UNKNOWN = ""
_MEMBERS = {
    "Indo-European": "af as be bg bn bs ca cs cy da de el en es fa fr ga gl gu hi hr hy is it ku lb lt lv mk mr ne "
    "nl no nb nn or pa pl ps pt ro ru sd si sk sl sq sr sv tg uk ur yi",
    "Afro-Asiatic": "am ar arz ary ha he mt om so ti",
    "Atlantic-Congo": "ig lg ln ny rn rw sn st sw tn tw wo xh yo zu",
    "Austroasiatic": "km vi",
    "Austronesian": "ceb fil haw id jv mg mi ms sm su tl",
    "Dravidian": "kn ml ta te",
    "Japonic": "ja",
    "Kartvelian": "ka",
    "Koreanic": "ko",
    "Mongolic": "mn",
    "Quechuan": "qu",
    "Sino-Tibetan": "my zh yue bo",
    "Tai-Kadai": "lo th",
    "Turkic": "az ba kk ky tk tr tt ug uz",
    "Uralic": "et fi hu",
    "Basque": "eu",
}
_FAMILIES = {code: family for family, codes in _MEMBERS.items() for code in codes.split()}


def family_of(language: str) -> str:
    """The family of a language code (what follows a hyphen does not count); "" where the table lacks it."""
    return _FAMILIES.get(language.split("-")[0], UNKNOWN)
