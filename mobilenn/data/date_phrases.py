"""Date phrases: a date as people write it, in seven languages, to the date as ISO 8601 writes it."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError, nearest
from mobilenn.core.vocabulary import SPECIAL, Vocabulary
from mobilenn.data import Dataset, Split
from mobilenn.data._tables import TEST_SEED
from mobilenn.data._text import dataset, teacher_forced

SOURCE_LENGTH, TARGET_LENGTH = 40, 11  # characters; the target's are YYYY-MM-DD and <end>
FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)  # so that two digits tell the year
_TEST = 0.2  # share of all dates


@dataclass(frozen=True, kw_only=True)
class Language:
    """How a language writes dates.

    Args:
        months: names, as they stand behind a day.
        short: abbreviations of the same.
        weekdays: from Monday.
        patterns: wordings; `_fields` says what may stand in braces.
        clear: wordings in which day and month could be taken for each other; used where they cannot, because
            the day is above 12 or the number of the month.
        first: how the first of a month is written.
    """

    months: str
    short: str
    weekdays: str
    patterns: tuple[str, ...]
    clear: tuple[str, ...] = ()
    first: str = "1"


LANGUAGES: Mapping[str, Language] = {
    "en": Language(
        months="January February March April May June July August September October November December",
        short="Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        weekdays="Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        patterns=(
            *("{d} {month} {y}", "{month} {d}, {y}", "{month} {nth}, {y}", "the {nth} of {month} {y}"),
            *("the {spelled} of {month} {y}", "{month} the {spelled}, {y}", "{weekday}, {month} {d}, {y}"),
            *("{weekday} {d} {month} {y}", "{weekday} the {nth} of {month}, {y}", "{d}-{mon}-{yy}", "{mon} {d} '{yy}"),
            *("{dd} {mon} {y}", "{y}-{mm}-{dd}", "{y}/{mm}/{dd}", "{mon} {d}, {y}", "{y} {month} {d}"),
        ),
        clear=("{m}/{n}/{y}", "{dd}/{mm}/{y}"),
    ),
    "de": Language(
        months="Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        short="Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
        weekdays="Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        patterns=(
            *("{d}. {month} {y}", "der {d}. {month} {y}", "am {d}. {month} {y}", "{weekday}, {d}. {month} {y}"),
            *("{weekday}, den {d}. {month} {y}", "{d}. {mon} {y}", "{n}.{m}.{y}", "{dd}.{mm}.{y}", "{d}. {mon} '{yy}"),
        ),
    ),
    "fr": Language(
        months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        short="janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
        weekdays="lundi mardi mercredi jeudi vendredi samedi dimanche",
        patterns=(
            *("{d} {month} {y}", "le {d} {month} {y}", "{weekday} {d} {month} {y}", "le {weekday} {d} {month} {y}"),
            *("{d} {mon} {y}", "le {d} {mon} {y}", "{weekday} {d} {mon} {y}"),
        ),
        clear=("{dd}/{mm}/{y}", "le {n}/{m}/{y}"),
        first="1er",
    ),
    "es": Language(
        months="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        short="ene feb mar abr may jun jul ago sep oct nov dic",
        weekdays="lunes martes miércoles jueves viernes sábado domingo",
        patterns=(
            *("{d} de {month} de {y}", "el {d} de {month} de {y}", "{weekday}, {d} de {month} de {y}"),
            *("{weekday} {d} de {month} de {y}", "{d} {mon} {y}", "{d} de {month} del {y}", "{d}-{mon}-{yy}"),
        ),
        clear=("{dd}/{mm}/{y}", "el {n}/{m}/{y}"),
    ),
    "it": Language(
        months="gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        short="gen feb mar apr mag giu lug ago set ott nov dic",
        weekdays="lunedì martedì mercoledì giovedì venerdì sabato domenica",
        patterns=(
            *("{d} {month} {y}", "il {d} {month} {y}", "{weekday} {d} {month} {y}", "{weekday}, {d} {month} {y}"),
            *("{d} {mon} {y}", "il {d} {mon} '{yy}", "{d} {month} del {y}"),
        ),
        clear=("{dd}/{mm}/{y}", "il {n}/{m}/{y}"),
        first="1º",
    ),
    "pt": Language(
        months="janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        short="jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
        weekdays="segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
        patterns=(
            *("{d} de {month} de {y}", "em {d} de {month} de {y}", "{weekday}, {d} de {month} de {y}"),
            *("{d} {mon} {y}", "{d} de {mon} de {y}", "{weekday}, {d} {mon} {y}"),
        ),
        clear=("{dd}/{mm}/{y}", "em {n}/{m}/{y}"),
        first="1º",
    ),
    "ru": Language(
        months="января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        short="янв. февр. марта апр. мая июня июля авг. сент. окт. нояб. дек.",
        weekdays="понедельник вторник среда четверг пятница суббота воскресенье",
        patterns=(
            *("{d} {month} {y}", "{d} {month} {y} года", "{d} {month} {y} г.", "{weekday}, {d} {month} {y}"),
            *("{weekday}, {d} {month} {y} года", "{d} {mon} {y}", "{dd}.{mm}.{y}", "{n}.{m}.{y}"),
        ),
    ),
}
_UNITS = "first second third fourth fifth sixth seventh eighth ninth"
_TEENS = "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
_SPELLED = (
    *(*_UNITS.split(), *_TEENS.split(), "twentieth"),
    *(*(f"twenty-{unit}" for unit in _UNITS.split()), "thirtieth", "thirty-first"),
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How many phrases, and in which languages.

    Args:
        phrases: number of training and validation phrases; a quarter as many again are for the test.
        languages: of `LANGUAGES`, equally many phrases of each.
        validation: share of `phrases`, and of the dates that are not the test's.
    """

    phrases: int = 20_000
    languages: tuple[str, ...] = tuple(LANGUAGES)
    validation: float = 0.1

    def __post_init__(self) -> None:
        if not 100 <= self.phrases <= 1_000_000:
            raise RecipeError(f"[data] phrases is {self.phrases}.", "Allowed: 100 to 1000000.")
        if not 0.01 <= self.validation <= 0.5:
            raise RecipeError(f"[data] validation is {self.validation}.", "Allowed: 0.01 to 0.5.")
        for name in self.languages or ("",):
            if name not in LANGUAGES:
                raise RecipeError(f"[data] languages holds '{name}'.", nearest(name, LANGUAGES))


def fingerprint(settings: Settings) -> str:
    """The generator's version; its settings are part of the recipe."""
    return "date_phrases 2"


def load(settings: Settings, seed: int) -> Dataset:
    """Generates the phrases: `source` (N, 40), `target_in` and targets (N, 11), int32, lower-cased characters.

    No date stands in two splits, in whatever wording, and the test's phrases do not depend on the seed.
    """
    train, validation, test = _split_dates(settings.validation, seed)
    held = round(settings.phrases * settings.validation)
    parts = (
        (train, settings.phrases - held, seed),
        (validation, held, seed + 1),
        (test, settings.phrases // 4, 10**9 + 2),
    )
    known = vocabulary()
    splits = [
        _phrases(days, count, np.random.default_rng([17, number]), settings.languages) for days, count, number in parts
    ]
    made = [_split(phrases, dates, known) for phrases, dates in splits]
    total = settings.phrases + settings.phrases // 4
    described = f"{total:,} generated date phrases in {len(settings.languages)} languages, 1950 to 2049."
    return dataset(made, (), described, known)


@functools.cache
def vocabulary() -> Vocabulary:
    """Every character that a phrase or an ISO date can hold; the same whatever the settings are."""
    days = [datetime.date(2000, 1, 1) + datetime.timedelta(day) for day in range(366)]
    texts = (
        pattern.format_map(_fields(language, day))
        for language in LANGUAGES.values()
        for day in days
        for pattern in (" {month} {mon} {weekday} {nth} {spelled} {d}", *language.patterns, *language.clear)
    )
    characters = set().union(*(text.lower() for text in texts), "0123456789-")
    return Vocabulary(kind="character", tokens=(*SPECIAL, *sorted(characters)))


def phrase(name: str, day: datetime.date, choice: int) -> str:
    """One wording of a date.

    Args:
        name: of the language.
        day: the date.
        choice: any number from 0 up; counts through the wordings that fit the date.
    """
    language = LANGUAGES[name]
    clear = language.clear if day.day > 12 or day.day == day.month else ()
    patterns = (*language.patterns, *clear)
    return patterns[choice % len(patterns)].format_map(_fields(language, day))


def _fields(language: Language, day: datetime.date) -> dict[str, str | int]:
    ending = "th" if 10 <= day.day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return {
        "d": language.first if day.day == 1 else day.day,
        "n": day.day,
        "dd": f"{day.day:02}",
        "nth": f"{day.day}{ending}",
        "spelled": _SPELLED[day.day - 1],
        "m": day.month,
        "mm": f"{day.month:02}",
        "month": language.months.split()[day.month - 1],
        "mon": language.short.split()[day.month - 1],
        "weekday": language.weekdays.split()[day.weekday()],
        "y": day.year,
        "yy": f"{day.year % 100:02}",
    }


def _split_dates(validation: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days since the first one, of train, validation and test."""
    fixed = np.random.default_rng([TEST_SEED, 2]).permutation((LAST - FIRST).days + 1)
    held = round(_TEST * len(fixed))
    rest = np.random.default_rng([seed, 13]).permutation(fixed[held:])
    checked = round(validation * len(rest))
    return rest[checked:], rest[:checked], fixed[:held]


def _phrases(
    days: np.ndarray, count: int, generator: np.random.Generator, languages: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """Phrases and their ISO dates, the languages in turn."""
    chosen = [FIRST + datetime.timedelta(int(day)) for day in generator.choice(days, count)]
    choices = generator.integers(0, 2**31, count).tolist()
    phrases = [
        phrase(languages[row % len(languages)], day, choice)
        for row, (day, choice) in enumerate(zip(chosen, choices, strict=True))
    ]
    return phrases, [day.isoformat() for day in chosen]


def _split(phrases: list[str], dates: list[str], known: Vocabulary) -> Split:
    target_in, targets = teacher_forced(known, dates, TARGET_LENGTH)
    source = known.encode_all(phrases, SOURCE_LENGTH)
    return Split(inputs={"source": source, "target_in": target_in}, targets=targets)
