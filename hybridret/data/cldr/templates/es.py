"""Spanish. Currency and script names stand in quotes behind a noun, which settles gender and article."""

from __future__ import annotations

TEMPLATES = {
    "T:currency": (
        "¿Qué moneda se utiliza en {e}?",
        "¿Con qué dinero se paga en {e}?",
        "La moneda de curso legal de {e} se llama {v}.",
    ),
    "T:currency_since": (
        "¿Desde qué año se usa la moneda actual de {e}?",
        "¿Cuándo se introdujo el dinero que hoy se usa en {e}?",
        "Los billetes y monedas que circulan hoy en {e} datan de {v}.",
    ),
    "T:former_currency": (
        "¿Qué moneda se usaba antes en {e}?",
        "¿Cómo se llamaba el antiguo dinero de {e}?",
        "Hasta {y}, en {e} se pagaba con una moneda ya sustituida: {v}.",
    ),
    "T:language": (
        "¿Qué idioma habla la mayoría de la gente en {e}?",
        "¿Cuál es el idioma más extendido de {e}?",
        "En {e} hay más personas que entienden {v} que cualquier otra lengua.",
    ),
    "T:second_language": (
        "¿Qué idioma ocupa el segundo lugar en {e} por número de hablantes?",
        "¿Cuál es el segundo idioma más común de {e}?",
        "Tras la lengua más grande de {e}, en segundo puesto sigue el {v}.",
    ),
    "T:zone": (
        "¿A qué huso horario pertenece {e}?",
        "¿Qué hora siguen los relojes en {e}?",
        "Los relojes de todo el territorio de {e} se ajustan así: {v}.",
    ),
    "T:week": (
        "¿Qué día empieza la semana en {e}?",
        "¿Cuál es el primer día de la semana en {e}?",
        "Los calendarios impresos en {e} abren cada fila con el {v}.",
    ),
    "G:script": (
        "¿En qué escritura se escribe el {e}?",
        "¿Qué sistema de escritura usa el idioma {e}?",
        "Los textos en idioma {e} se redactan normalmente con estos caracteres: {v}.",
    ),
    "G:home": (
        "¿En qué país se habla sobre todo {e}?",
        "¿Dónde vive la mayor comunidad de hablantes de {e}?",
        "El idioma {e} tiene la mayoría de sus usuarios en {v}.",
    ),
    "G:word": (
        "¿Cómo se dice «{w}» en {e}?",
        "¿Cuál es la palabra para «{w}» en el idioma {e}?",
        "Pequeño diccionario de {e}: «{w}» se traduce como {v}.",
    ),
    "C:code": (
        "¿Cuál es el código ISO de la moneda «{e}»?",
        "¿Qué tres letras representan la moneda «{e}»?",
        "Los bancos abrevian la moneda «{e}» como {v}.",
    ),
    "C:place": (
        "¿Qué país tiene como moneda nacional «{e}»?",
        "¿Quién emite la moneda «{e}»?",
        "La moneda «{e}» es el dinero de {v}.",
    ),
    "C:former_place": (
        "¿Dónde se pagaba antiguamente con la moneda «{e}»?",
        "¿Qué país emitía la moneda «{e}», que ya no es válida?",
        "La moneda «{e}» circuló en {v} hasta {y}.",
    ),
    "S:language": (
        "¿Qué idioma se escribe normalmente con la escritura «{e}»?",
        "¿Para qué idioma sirve sobre todo la escritura «{e}»?",
        "Quien conoce la escritura «{e}» suele leer textos en {v}.",
    ),
    "S:place": (
        "¿De qué país es propia la escritura «{e}»?",
        "¿Con qué país se asocia la escritura «{e}»?",
        "La escritura «{e}» forma parte del patrimonio cultural de {v}.",
    ),
    "Z:territory": (
        "¿En qué país está {e}?",
        "¿A qué país o territorio pertenece el lugar llamado {e}?",
        "{e} se encuentra en el mapa de {v}.",
    ),
    "Z:currency": (
        "¿Qué moneda hace falta para visitar {e}?",
        "¿Qué dinero aceptan las tiendas de {e}?",
        "Los viajeros que van a {e} deberían cambiar su efectivo a esta moneda: {v}.",
    ),
    "Z:language": (
        "¿Qué idioma es el más común en el país donde se encuentra {e}?",
        "¿Cuál es el idioma principal del país del que forma parte {e}?",
        "{e} está en un país donde la lengua más extendida es el {v}.",
    ),
    "Z:zone": (
        "¿Qué huso horario rige en el lugar llamado {e}?",
        "¿Con qué hora ponen sus relojes los habitantes de {e}?",
        "Los pasajeros que aterrizan en {e} cambian el reloj: {v}.",
    ),
}
