"""Sieve: what is looked at in the records of one type, compiled from the schema for what a purpose may see and a query reads."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

from graph.access.consent import ConsentRules
from graph.access.directives import MaskForm
from graph.access.masking import masked
from graph.access.subjects import SHOWN, SOMEBODY, Judgement, PersonRules, people_at, worst
from graph.errors import ForbiddenField
from graph.loading.masked import Masked, Sieved

Hides = bool | Exception
Facts = Mapping[Any, Any]
# A record that is given as if there were none.
LEFT_OUT: Final = object()


class Sieve:
    """Decides about records of one type, and about those inside them.

    `subject` leads to the ids of the people whom a record is about; without it what holds for the record around it holds here, too. Where
    there is no id but the attribute `unless`, it is about nobody.
    `masks` are given masked always, `protects` where the person is protected; `covers` are what consent must cover, by attribute, of all
    the `fields` of the type.
    """

    __slots__ = (
        "_asking",
        "_is_simple",
        "_person",
        "absent",
        "consent",
        "covers",
        "fields",
        "inside",
        "masks",
        "needs_facts",
        "person_rules",
        "protects",
        "subject",
        "unless",
    )

    def __init__(
        self, subject: tuple[str, ...] | None, person_rules: PersonRules, consent: ConsentRules | None, *,
        absent: bool, unless: str | None = None,
    ) -> None:  # fmt: skip
        self.subject = subject
        self.absent = absent
        self.unless = unless
        self.person_rules = person_rules
        self.consent = consent if subject is not None else None
        self.masks: dict[str, MaskForm] = {}
        self.protects: dict[str, MaskForm] = {}
        self.covers: dict[str, str] = {}
        self.fields: tuple[str, ...] = ()
        self.inside: dict[str, Sieve] = {}
        self.needs_facts = False
        self._asking: tuple[tuple[str, Sieve], ...] = ()
        self._is_simple = False
        self._person: Callable[[Any], Any] | None = attrgetter(subject[0]) if subject is not None and len(subject) == 1 else None

    def made(self) -> None:
        """Take note that it is complete."""
        self._asking = tuple((attribute, sieve) for attribute, sieve in self.inside.items() if sieve.asks_facts())
        self._is_simple = self.needs_facts and self._person is not None and not (self.consent or self.masks or self.inside)

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a record would ever be changed."""
        decides = self.subject is not None and (self.needs_facts or self.consent is not None)
        return not (decides or self.masks or self.protects or self.inside)

    def protects_anything(self) -> bool:
        """Tell whether anything is masked where the person is protected, here or in what stands inside without a person of its own."""
        return bool(self.protects) or any(sieve.protects_anything() for sieve in self.inside.values() if sieve.subject is None)

    def asks_facts(self) -> bool:
        """Tell whether anything must be known about people, of this record or of one inside it."""
        return self.needs_facts or bool(self._asking)

    @property
    def asks_inside(self) -> bool:
        """Whether anything must be known about people of records inside this one."""
        return bool(self._asking)

    def subjects(self, record: Any) -> list[Any]:
        """Name the people whom a record itself is about."""
        if self._person is not None:
            found = self._person(record)
            if found is None:
                return [] if self.unless is not None and getattr(record, self.unless) is not None else [SOMEBODY]
            if found.__class__ is not tuple:
                person = getattr(found, "person", found)
                return [] if person is None else [person]
        return list(people_at(record, self.subject or ()))

    def people(self, value: Any, found: set[Any]) -> None:
        """Collect the people of a record, and of those inside it, of whom something must be known."""
        for record in value if isinstance(value, tuple) else () if value is None else (value,):
            if self.needs_facts:
                found.update(person for person in self.subjects(record) if person is not SOMEBODY)
            for attribute, sieve in self._asking:
                sieve.people(getattr(record, attribute), found)

    def consenting(self, value: Any, found: set[Any]) -> None:
        """Collect the people of a record, and of those inside it, whose consent counts."""
        for record in value if isinstance(value, tuple) else () if value is None else (value,):
            if self.consent is not None:
                found.update(person for person in self.subjects(record) if person is not SOMEBODY)
            for attribute, sieve in self.inside.items():
                sieve.consenting(getattr(record, attribute), found)

    def sole_person(self, record: Any) -> Any:
        """Return whom a record names, where that is all that must be known about it; None where it takes a longer look."""
        if not self._is_simple or self._person is None or record is None or record.__class__ is tuple:
            return None
        return self._person(record)

    def is_free(self, record: Any, fact: Any) -> bool:
        """Tell at once that a record about one person is given as it is."""
        return self._is_simple and record.__class__ is not tuple and self.person_rules.is_free(fact)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def given(self, value: Any, facts: Facts, hides: Hides = False) -> Any:  # noqa: FBT002 - what becomes of fields, not a switch
        """Return what is given of a record or of a list of records; LEFT_OUT or an error in place of a record alone."""
        if value.__class__ is not tuple:
            return None if value is None else self._record(value, facts, hides)
        made = [self._record(record, facts, hides) for record in value]
        if all(new is old for new, old in zip(made, value, strict=True)):
            return value
        kept = [record for record in made if record is not LEFT_OUT]
        return Sieved(kept) if any(isinstance(record, Exception) for record in kept) else tuple(kept)

    def _record(self, record: Any, facts: Facts, hides: Hides) -> Any:
        if self._is_simple and self._person is not None and self.person_rules.is_free(facts.get(self._person(record))):
            return record
        instead: dict[str, Any] = {}
        if self.subject is not None and (self.needs_facts or self.consent is not None):
            people = self.subjects(record)
            judgement = self._judged(people, facts)
            if judgement.absent:
                return LEFT_OUT
            refusal = judgement.error or self._without_consent(people, instead)
            if refusal is not None:
                return LEFT_OUT if self.absent and isinstance(refusal, ForbiddenField) else refusal
            hides = judgement.hides
        self._hide(record, instead, hides)
        self._look_inside(record, instead, facts, hides)
        return Masked(record, instead) if instead else record

    def _judged(self, people: list[Any], facts: Facts) -> Judgement:
        if not self.needs_facts or not people:
            return SHOWN
        return worst([self.person_rules.judged(person, facts) for person in people])

    def _hide(self, record: Any, instead: dict[str, Any], hides: Hides) -> None:
        """Mask what is to be masked, or let it say why it cannot be shown."""
        if hides is not False:
            for attribute, form in self.protects.items():
                if attribute not in instead:
                    instead[attribute] = hides if isinstance(hides, Exception) else _masked(record, attribute, form)
        for attribute, form in self.masks.items():
            if attribute not in instead:
                instead[attribute] = _masked(record, attribute, form)

    def _look_inside(self, record: Any, instead: dict[str, Any], facts: Facts, hides: Hides) -> None:
        """Decide about the records inside one."""
        for attribute, sieve in self.inside.items():
            if attribute not in instead:
                held = getattr(record, attribute)
                new = sieve.given(held, facts, hides)
                if new is not held:
                    instead[attribute] = None if new is LEFT_OUT else new

    def _without_consent(self, people: list[Any], instead: dict[str, Any]) -> Exception | None:
        """Refuse the fields that the consent of all these people does not cover; the record as a whole where it covers no field at all."""
        if self.consent is None or not people:
            return None
        coverages = [self.consent.coverage(person) for person in people]
        if (refusal := self.consent.refusal(coverages, self.fields)) is not None:
            return refusal
        for attribute, coordinate in self.covers.items():
            if not all(coverage.covers(coordinate) for coverage in coverages):
                instead[attribute] = self.consent.refused()
        return None


def _masked(record: Any, attribute: str, form: MaskForm) -> Any:
    # Links are masked as well, and are no attributes of a record: nothing stands in their place.
    return None if form is MaskForm.NULL else masked(form, getattr(record, attribute))
