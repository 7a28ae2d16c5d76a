"""Turkish. Suffixes hang on a noun behind the name ("{e} ülkesinde"), so that vowel harmony does not depend on it."""

from __future__ import annotations


def in_sentence(kind: str, name: str) -> str:
    """The name without the noun that the templates add: "Svahili dili"."""
    return name.removesuffix(" dili") if kind == "G" else name


TEMPLATES = {
    "T:currency": (
        "{e} ülkesinde hangi para birimi kullanılır?",
        "{e} ülkesinde insanlar hangi parayla ödeme yapar?",
        "{e} ülkesinin yasal ödeme aracı {v} adını taşır.",
    ),
    "T:currency_since": (
        "{e} ülkesinin bugünkü para birimi hangi yıldan beri kullanılıyor?",
        "{e} ülkesinde şimdi geçerli olan para ne zaman çıkarıldı?",
        "{e} ülkesinde bugün dolaşan banknot ve madeni paraların geçmişi {v} yılına uzanır.",
    ),
    "T:former_currency": (
        "{e} ülkesinde eskiden hangi para birimi kullanılırdı?",
        "{e} ülkesinin önceki parasının adı neydi?",
        "{y} yılına kadar {e} ülkesinde alışveriş, sonradan değiştirilen {v} ile yapılırdı.",
    ),
    "T:language": (
        "{e} ülkesinde insanların çoğu hangi dili konuşur?",
        "{e} ülkesinin en yaygın dili nedir?",
        "{e} ülkesinde başka her dilden daha çok kişinin anladığı dil {v}.",
    ),
    "T:second_language": (
        "{e} ülkesinde konuşan sayısına göre ikinci sırada hangi dil gelir?",
        "{e} ülkesinin en yaygın ikinci dili nedir?",
        "{e} ülkesindeki en büyük dilin ardından ikinci olarak {v} gelir.",
    ),
    "T:zone": (
        "{e} ülkesi hangi saat dilimine girer?",
        "{e} ülkesinde saatler hangi zamana göre işler?",
        "{e} ülkesinin her yerinde saatler şuna göre ayarlıdır: {v}.",
    ),
    "T:week": (
        "{e} ülkesinde hafta hangi gün başlar?",
        "{e} ülkesinde haftanın ilk günü hangisidir?",
        "{e} ülkesinde basılan takvimlerde her satır {v} ile açılır.",
    ),
    "G:script": (
        "{e} hangi yazıyla yazılır?",
        "{e} dili hangi yazı sistemini kullanır?",
        "{e} dilindeki metinler genellikle {v} harfleriyle kaleme alınır.",
    ),
    "G:home": (
        "{e} en çok hangi ülkede konuşulur?",
        "{e} konuşan en büyük topluluk nerede yaşar?",
        "{e} dilini kullananların çoğu {v} ülkesinde bulunur.",
    ),
    "G:word": (
        "{e} dilinde {w} nasıl söylenir?",
        "{w} kelimesinin {e} karşılığı nedir?",
        "Küçük {e} sözlüğü: {w} yerine kullanılan kelime {v}.",
    ),
    "C:code": (
        "{e} para biriminin ISO kodu nedir?",
        "{e} hangi üç harfle gösterilir?",
        "Bankalar {e} adını {v} olarak kısaltır.",
    ),
    "C:place": (
        "{e} hangi ülkenin ulusal para birimidir?",
        "{e} parasını kim çıkarır?",
        "{e} denilen para {v} ülkesine aittir.",
    ),
    "C:former_place": (
        "Eskiden nerede {e} ile ödeme yapılırdı?",
        "Artık geçerli olmayan {e} parasını hangi ülke basardı?",
        "{e} denilen para {y} yılına kadar {v} ülkesinde dolaşımdaydı.",
    ),
    "S:language": (
        "{e} yazısıyla genellikle hangi dil yazılır?",
        "{e} yazısı en çok hangi dil için kullanılır?",
        "{e} yazısını bilenler çoğunlukla {v} metinler okur.",
    ),
    "S:place": (
        "{e} yazısının yurdu hangi ülkedir?",
        "{e} yazısı denince akla hangi ülke gelir?",
        "{e} yazısı {v} ülkesinin kültür mirasına dahildir.",
    ),
    "Z:territory": (
        "{e} hangi ülkededir?",
        "{e} adlı yer hangi ülkeye veya bölgeye aittir?",
        "{e}, {v} haritasında yer alır.",
    ),
    "Z:currency": (
        "{e} adlı yeri ziyaret ederken hangi para birimi gerekir?",
        "{e} dükkânları hangi parayı kabul eder?",
        "{e} yolcularının nakitlerini şu birime çevirmesi iyi olur: {v}.",
    ),
    "Z:language": (
        "{e} adlı yerin bulunduğu ülkede en yaygın dil hangisidir?",
        "{e} adlı yerin bağlı olduğu ülkenin ana dili nedir?",
        "{e}, en çok {v} duyulan bir ülkede bulunur.",
    ),
    "Z:zone": (
        "{e} adlı yerde hangi saat dilimi geçerlidir?",
        "{e} sakinleri kol saatlerini hangi zamana göre ayarlar?",
        "Uçakla {e} kentine inenler saatlerini şuna göre değiştirir: {v}.",
    ),
}
