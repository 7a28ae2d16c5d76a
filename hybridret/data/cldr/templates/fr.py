"""French. Country names follow "le pays appelé", language names "en": no article, no elision."""

from __future__ import annotations

TEMPLATES = {
    "T:currency": (
        "Quelle monnaie a cours dans le pays appelé {e} ?",
        "{e} : avec quel argent y paie-t-on ?",
        "La monnaie légale du pays appelé {e} porte ce nom : {v}.",
    ),
    "T:currency_since": (
        "Depuis quelle année le pays appelé {e} a-t-il sa monnaie actuelle ?",
        "{e} : quand y a-t-on introduit l’argent en usage aujourd’hui ?",
        "Les billets et les pièces qui circulent aujourd’hui dans le pays appelé {e} datent de {v}.",
    ),
    "T:former_currency": (
        "Quelle monnaie utilisait-on autrefois dans le pays appelé {e} ?",
        "{e} : comment s’y appelait l’ancien argent ?",
        "Jusqu’en {y}, on payait dans le pays appelé {e} avec une monnaie remplacée depuis : {v}.",
    ),
    "T:language": (
        "Quelle langue la plupart des gens parlent-ils dans le pays appelé {e} ?",
        "{e} : quelle y est la langue la plus répandue ?",
        "Dans le pays appelé {e}, aucune langue n’est comprise par plus de monde que celle-ci : {v}.",
    ),
    "T:second_language": (
        "Quelle langue vient en deuxième dans le pays appelé {e} par le nombre de locuteurs ?",
        "{e} : quelle y est la deuxième langue la plus courante ?",
        "Après la plus grande langue du pays appelé {e}, voici celle qui occupe la deuxième place : {v}.",
    ),
    "T:zone": (
        "À quel fuseau horaire appartient le pays appelé {e} ?",
        "{e} : quelle heure y suivent les horloges ?",
        "Partout dans le pays appelé {e}, les horloges sont réglées ainsi : {v}.",
    ),
    "T:week": (
        "Quel jour la semaine commence-t-elle dans le pays appelé {e} ?",
        "{e} : quel y est le premier jour de la semaine ?",
        "Les calendriers imprimés dans le pays appelé {e} ouvrent chaque ligne par le {v}.",
    ),
    "G:script": (
        "Dans quelle écriture écrit-on en {e} ?",
        "Quel système d’écriture emploie la langue suivante : {e} ?",
        "Les textes en {e} sont normalement rédigés avec ces caractères : {v}.",
    ),
    "G:home": (
        "Dans quel pays parle-t-on surtout {e} ?",
        "Où vit la plus grande communauté qui s’exprime en {e} ?",
        "La plupart des usagers de cette langue, {e}, se trouvent dans le pays suivant : {v}.",
    ),
    "G:word": (
        "Comment dit-on « {w} » en {e} ?",
        "Quel mot signifie « {w} » dans cette langue : {e} ?",
        "Petit dictionnaire ({e}) : « {w} » se traduit par {v}.",
    ),
    "C:code": (
        "Quel est le code ISO de la monnaie « {e} » ?",
        "Quelles sont les trois lettres qui désignent la monnaie « {e} » ?",
        "Les banques abrègent la monnaie « {e} » en {v}.",
    ),
    "C:place": (
        "Quel pays a pour monnaie nationale « {e} » ?",
        "Qui émet la monnaie « {e} » ?",
        "La monnaie « {e} » est l’argent du pays appelé {v}.",
    ),
    "C:former_place": (
        "Où payait-on autrefois avec la monnaie « {e} » ?",
        "Quel pays émettait la monnaie « {e} », qui n’a plus cours ?",
        "La monnaie « {e} » a circulé jusqu’en {y} dans le pays appelé {v}.",
    ),
    "S:language": (
        "Quelle langue note-t-on d’ordinaire dans l’écriture « {e} » ?",
        "À quelle langue sert avant tout l’écriture « {e} » ?",
        "Qui connaît l’écriture « {e} » lit en général des textes en {v}.",
    ),
    "S:place": (
        "Dans quel pays l’écriture « {e} » est-elle chez elle ?",
        "Quel pays associe-t-on à l’écriture « {e} » ?",
        "L’écriture « {e} » fait partie du patrimoine culturel du pays appelé {v}.",
    ),
    "Z:territory": (
        "Dans quel pays se trouve {e} ?",
        "À quel pays ou territoire appartient le lieu nommé {e} ?",
        "{e} figure sur la carte du pays appelé {v}.",
    ),
    "Z:currency": (
        "Quelle monnaie faut-il pour visiter {e} ?",
        "Quel argent les magasins acceptent-ils à {e} ?",
        "Les voyageurs qui se rendent à {e} devraient changer leurs espèces dans cette monnaie : {v}.",
    ),
    "Z:language": (
        "Quelle langue est la plus courante dans le pays où se trouve {e} ?",
        "Quelle est la langue principale du pays dont {e} fait partie ?",
        "{e} se situe dans un pays où la langue la plus répandue est la suivante : {v}.",
    ),
    "Z:zone": (
        "Quel fuseau horaire s’applique au lieu nommé {e} ?",
        "Sur quelle heure les habitants règlent-ils leur montre à {e} ?",
        "Les passagers qui atterrissent à {e} règlent leur montre ainsi : {v}.",
    ),
}
