"""English."""

from __future__ import annotations

import re

_WITH_ARTICLE = re.compile(
    r"(United|Netherlands$|Philippines$|Bahamas$|Maldives$|Comoros$|Gambia$|Dominican Republic$|Central African Republic$|"
    r"Isle of|Caribbean Netherlands$|British|Cayman|Channel|Cocos|Cook|Falkland|Faroe|French Southern|Marshall|"
    r"Northern Mariana|Palestinian|Pitcairn|Solomon|Turks|U\.S\.|Åland|Seychelles$)"
)


def in_sentence(kind: str, name: str) -> str:
    """The name as it stands inside a sentence: some countries have an article."""
    return f"the {name}" if kind == "T" and _WITH_ARTICLE.match(name) else name


TEMPLATES = {
    "T:currency": (
        "Which currency is used in {e}?",
        "What money do people pay with in {e}?",
        "The legal tender of {e} is the {v}.",
    ),
    "T:currency_since": (
        "Since which year has the present currency of {e} been in use?",
        "When was the money now used in {e} introduced?",
        "The banknotes and coins that circulate in {e} today date from {v}.",
    ),
    "T:former_currency": (
        "Which currency was used in {e} in the past?",
        "What was the former money of {e} called?",
        "Until {y}, people in {e} paid with the {v}, which has since been replaced.",
    ),
    "T:language": (
        "Which language do most people in {e} speak?",
        "What is the most widespread language of {e}?",
        "More people in {e} understand {v} than any other language.",
    ),
    "T:second_language": (
        "Which language comes second in {e} by number of speakers?",
        "What is the second most common language of {e}?",
        "After the largest language of {e}, {v} follows in second place.",
    ),
    "T:zone": (
        "Which time zone does {e} belong to?",
        "What time do clocks in {e} follow?",
        "Clocks all over {e} are set to {v}.",
    ),
    "T:week": (
        "On which day does the week begin in {e}?",
        "What is the first day of the week in {e}?",
        "Calendars printed in {e} open every row with {v}.",
    ),
    "G:script": (
        "In which script is {e} written?",
        "Which writing system does the {e} language use?",
        "Texts in the {e} language are normally set down in {v} characters.",
    ),
    "G:home": (
        "In which country is {e} mainly spoken?",
        "Where does the largest community of {e} speakers live?",
        "The {e} language has most of its users in {v}.",
    ),
    "G:word": (
        "What is {w} called in {e}?",
        "How do you say {w} in the {e} language?",
        "A small dictionary of {e}: the word for {w} is {v}.",
    ),
    "C:code": (
        "What is the ISO code of the {e}?",
        "Which three letters stand for the {e}?",
        "Banks abbreviate the {e} as {v}.",
    ),
    "C:place": (
        "Which country has the {e} as its national currency?",
        "Who issues the {e}?",
        "The {e} is the money of {v}.",
    ),
    "C:former_place": (
        "Where did people pay with the {e} in former times?",
        "Which country issued the {e}, which is no longer valid?",
        "The {e} circulated in {v} until {y}.",
    ),
    "S:language": (
        "Which language is typically written in the {e} script?",
        "For which language is the {e} script used above all?",
        "Whoever knows the {e} script usually reads texts in {v}.",
    ),
    "S:place": (
        "In which country is the {e} script at home?",
        "Which country is associated with the {e} script?",
        "The {e} script belongs to the cultural heritage of {v}.",
    ),
    "Z:territory": (
        "In which country is {e}?",
        "To which country or territory does the place called {e} belong?",
        "{e} can be found on the map of {v}.",
    ),
    "Z:currency": (
        "Which currency do you need for a visit to {e}?",
        "What money do the shops of {e} accept?",
        "Travellers who come to {e} should change their cash into the {v}.",
    ),
    "Z:language": (
        "Which language is the most common in the country where {e} lies?",
        "What is the main language of the country that {e} is part of?",
        "{e} lies in a country in which {v} is the most widespread language.",
    ),
    "Z:zone": (
        "Which time zone applies to the place called {e}?",
        "To what time do the inhabitants of {e} set their watches?",
        "Passengers landing at {e} put their watches to {v}.",
    ),
}
