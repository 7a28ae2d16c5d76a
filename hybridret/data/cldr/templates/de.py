"""German. Country names stand in apposition ("im Land {e}"), where they need neither article nor case."""

from __future__ import annotations

TEMPLATES = {
    "T:currency": (
        "Welche Währung gilt im Land {e}?",
        "{e}: Mit welchem Geld bezahlt man dort?",
        "Gesetzliches Zahlungsmittel des Landes {e} ist die Währung {v}.",
    ),
    "T:currency_since": (
        "Seit welchem Jahr hat das Land {e} seine heutige Währung?",
        "{e}: Wann wurde das heute gültige Geld eingeführt?",
        "Die Scheine und Münzen, mit denen man heute im Land {e} bezahlt, gehen auf das Jahr {v} zurück.",
    ),
    "T:former_currency": (
        "Welche Währung galt früher im Land {e}?",
        "{e}: Wie hieß dort das ehemalige Geld?",
        "Bis {y} zahlte man im Land {e} mit der Währung {v}, die inzwischen ersetzt ist.",
    ),
    "T:language": (
        "Welche Sprache sprechen die meisten Menschen im Land {e}?",
        "{e}: Welche Sprache ist dort am weitesten verbreitet?",
        "Im Land {e} verstehen mehr Menschen {v} als jede andere Sprache.",
    ),
    "T:second_language": (
        "Welche Sprache steht im Land {e} nach Sprecherzahl an zweiter Stelle?",
        "{e}: Was ist dort die zweithäufigste Sprache?",
        "Auf die größte Sprache des Landes {e} folgt {v} auf Platz zwei.",
    ),
    "T:zone": (
        "In welcher Zeitzone liegt das Land {e}?",
        "{e}: Nach welcher Zeit gehen dort die Uhren?",
        "Überall im Land {e} sind die Uhren so gestellt: {v}.",
    ),
    "T:week": (
        "An welchem Tag beginnt die Woche im Land {e}?",
        "{e}: Was ist dort der erste Wochentag?",
        "Im Land {e} gedruckte Kalender fangen jede Zeile mit {v} an.",
    ),
    "G:script": (
        "In welcher Schrift wird {e} geschrieben?",
        "Welches Schriftsystem benutzt die Sprache {e}?",
        "Texte in der Sprache {e} verfasst man normalerweise in diesen Zeichen: {v}.",
    ),
    "G:home": (
        "In welchem Land wird vor allem {e} gesprochen?",
        "Wo lebt die größte Gemeinschaft mit der Sprache {e}?",
        "Die Sprache {e} wird von den meisten Menschen in folgendem Land benutzt: {v}.",
    ),
    "G:word": (
        "Wie heißt {w} auf {e}?",
        "Wie sagt man {w} in der Sprache {e}?",
        "Kleines Wörterbuch {e}: Das Wort für {w} lautet {v}.",
    ),
    "C:code": (
        "Wie lautet der ISO-Code der Währung {e}?",
        "Welche drei Buchstaben stehen für die Währung {e}?",
        "Banken kürzen die Währung {e} mit {v} ab.",
    ),
    "C:place": (
        "In welchem Land ist {e} die Landeswährung?",
        "Wer gibt die Währung {e} heraus?",
        "Die Währung {e} ist das Geld des Landes {v}.",
    ),
    "C:former_place": (
        "Wo bezahlte man früher mit der Währung {e}?",
        "Welches Land gab die Währung {e} heraus, die nicht mehr gilt?",
        "Die Währung {e} war bis {y} im Land {v} im Umlauf.",
    ),
    "S:language": (
        "Welche Sprache schreibt man typischerweise in der Schrift {e}?",
        "Für welche Sprache dient vor allem die Schrift {e}?",
        "Wer die Schrift {e} beherrscht, liest meist Texte in der Sprache {v}.",
    ),
    "S:place": (
        "In welchem Land ist die Schrift {e} zu Hause?",
        "Mit welchem Land verbindet man die Schrift {e}?",
        "Die Schrift {e} gehört zum Kulturerbe des Landes {v}.",
    ),
    "Z:territory": (
        "In welchem Land liegt {e}?",
        "Zu welchem Land oder Gebiet gehört der Ort {e}?",
        "{e} findet man auf der Landkarte von diesem Land: {v}.",
    ),
    "Z:currency": (
        "Welche Währung braucht man bei einem Besuch in {e}?",
        "Welches Geld nehmen die Läden von {e} an?",
        "Wer nach {e} reist, sollte sein Bargeld in diese Währung tauschen: {v}.",
    ),
    "Z:language": (
        "Welche Sprache ist in dem Land am häufigsten, in dem {e} liegt?",
        "Was ist die Hauptsprache des Landes, zu dem {e} gehört?",
        "{e} liegt in einem Land, in dem {v} am weitesten verbreitet ist.",
    ),
    "Z:zone": (
        "Welche Zeitzone gilt am Ort {e}?",
        "Auf welche Zeit stellen die Einwohner von {e} ihre Armbanduhren?",
        "Wer in {e} landet, stellt seine Uhr um: {v}.",
    ),
}
