"""What looks at the records of one batch function: which keys may be asked for, of whom something must be known, and what is given."""

from collections.abc import Callable, Mapping
from typing import Any

from graph.access.consent import ConsentRules
from graph.access.sieve import LEFT_OUT, Sieve
from graph.loading.cache import MISSING


class RecordScreen:
    """Looks at what is under the keys of one batch function."""

    __slots__ = ("_about_key", "_absent", "_consent", "_is_own", "_many", "_sieve", "consults", "facts")

    def __init__(
        self, sieve: Sieve, facts: Any, consent: ConsentRules | None, about_key: Callable[[Any], Any] | None, *, own: bool, many: bool
    ) -> None:
        """Take what decides; `about_key` tells whom a key names, and `own` that the records are themselves what tells of people."""
        self.facts = facts
        self.consults = consent is not None
        self._sieve = sieve
        self._consent = consent
        self._about_key = about_key
        self._is_own = own
        self._many = many
        self._absent: Any = () if many else None

    def unsettled(self, key: Any, value: Any) -> Any:
        """Return what looks up consents that are not at hand."""
        if self._consent is None:
            return None
        people: set[Any] = set()
        if value is not MISSING:
            self._sieve.consenting(value, people)
        elif self._about_key is not None and (person := self._about_key(key)) is not None:
            people.add(person)
        return self._consent.unsettled(people)

    def before(self, key: Any) -> Any:
        """Refuse a key that names a person who has consented to nothing of what is under it; existence is not looked at."""
        if self._consent is None or self._about_key is None or (person := self._about_key(key)) is None:
            return MISSING
        refusal = self._consent.refusal([self._consent.coverage(person)], self._sieve.fields)
        return MISSING if refusal is None else self._absent if self._sieve.absent else refusal

    def is_free(self, value: Any) -> bool:
        """Tell at once that a value is given as it is, of which nothing else has to be known."""
        return self._is_own and self._sieve.is_free(value, value)

    def people(self, value: Any) -> Any:
        """Name the people of whom facts must be known to decide about a value, each as a key of the batch function that has them."""
        if self.facts is None or (self._is_own and not self._sieve.asks_inside):
            return ()
        person = self._sieve.sole_person(value)
        if person.__class__ is self.facts.key_type:
            return (person,)
        found: set[Any] = set()
        self._sieve.people(value, found)
        if self._is_own and value is not None:
            found.difference_update(self._sieve.subjects(value))
        return [self.facts.key_type(person) for person in sorted(found)]

    def given(self, value: Any, facts: Mapping[Any, Any]) -> Any:
        """Return what is given."""
        if value is None or value == ():
            return self._nothing(value)
        if self._is_own:
            facts = {**facts, **dict.fromkeys(self._sieve.subjects(value), value)}
        given = self._sieve.given(value, facts)
        return None if given is LEFT_OUT else given

    def _nothing(self, value: Any) -> Any:
        """Answer that there is nothing as a record without consent is answered, where the key says nothing about whom it would be."""
        tells = self._many or self._about_key is not None or self._sieve.absent
        if self._consent is None or self._sieve.consent is None or tells:
            return value
        return self._consent.refused()
