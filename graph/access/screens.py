"""Screens: for a consumer and a purpose, what looks at the records of which batch functions, where a query reads certain fields.

Where nothing depends on what a record says there is no screen, and nothing is asked of anybody.
"""

import time
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from graphql import GraphQLSchema

from graph.access.consent import ConsentRules, Coverages
from graph.access.directives import MaskForm
from graph.access.record_screen import RecordScreen
from graph.access.registry import Consumer, Purpose
from graph.access.shapes import Attribute, MarksOfSubjects, Shapes
from graph.access.sieve import Sieve
from graph.access.subjects import PersonRules
from graph.errors import SettingsWrong
from graph.loading.batch import Batch
from graph.loading.screening import Screen

Screens = Mapping[Batch[Any, Any], Screen]


class Screening:
    """Makes the screens of a schema."""

    def __init__(
        self,
        marks: MarksOfSubjects,
        schema: GraphQLSchema,
        batches: Iterable[Batch[Any, Any]],
        consents: Coverages | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the schema; SettingsWrong names what could not be held to. One of the batch functions may have the facts about people."""
        self._shapes = Shapes(schema, marks)
        self._shapes.check()
        self._consents = consents
        self._clock = clock
        self._batches = sorted(set(batches) | self._shapes.links.keys(), key=lambda batch: batch.name)
        telling = [batch for batch in self._batches if batch.facts is not None]
        if len(telling) > 1:
            raise SettingsWrong(f"resolvers: {telling[0].name} and {telling[1].name} both declare facts; expected one that tells of people")
        self._facts = telling[0] if telling else None
        self._about_keys = {batch: _about_key(batch.key_type) for batch in self._batches}

    def of(self, consumer: Consumer | None, purpose: Purpose | None) -> Callable[[Collection[str] | None], Screens]:
        """Return what makes the screens for a consumer and a purpose, for the fields (`Type.field`) that a query reads; None is any."""

        def screens(coordinates: Collection[str] | None) -> Screens:
            if consumer is None or purpose is None or self._is_open(purpose):
                return {}
            made = _Making(self._shapes, self._facts, consumer, purpose, self._consents, self._clock, coordinates)
            found = {batch: made.screen(batch, self._about_keys[batch]) for batch in self._batches if made.uses(batch)}
            return {batch: screen for batch, screen in found.items() if screen is not None}

        return screens

    def _is_open(self, purpose: Purpose) -> bool:
        return purpose.protected == "show" and not purpose.min_age and not purpose.consent and not purpose.masked - purpose.fields


class _Making:
    """Compiles the sieves for one consumer, one purpose and the fields of one query."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a screen stands on
        self, shapes: Shapes, facts: Batch[Any, Any] | None, consumer: Consumer, purpose: Purpose, consents: Coverages | None,
        clock: Callable[[], float], coordinates: Collection[str] | None,
    ) -> None:  # fmt: skip
        self._shapes = shapes
        self._facts = facts
        self._rules = PersonRules(purpose, facts, clock)
        self._consent = ConsentRules(consents, consumer.name, purpose.name, purpose.ground) if purpose.consent else None
        self._masked = purpose.masked - purpose.fields
        self._coordinates = coordinates
        self._sieves: dict[tuple[str, bool], Sieve] = {}

    def uses(self, batch: Batch[Any, Any]) -> bool:
        """Tell whether the query reads a link to a batch function."""
        return any(self._reads(attribute) for attribute in self._shapes.links.get(batch, ()))

    def screen(self, batch: Batch[Any, Any], about_key: Callable[[Any], Any] | None) -> Screen | None:
        """Make the screen of a batch function; None where nothing of it would ever be changed."""
        targets = self._shapes.targets(batch)
        sieves = [self._sieve(target, around=False) for target in targets]
        sieve = next((each for each in sieves if not each.is_idle), sieves[0])
        if sieve.is_idle and (self._consent is None or about_key is None):
            return None
        facts = self._facts if sieve.asks_facts() else None
        return RecordScreen(sieve, facts, self._consent, about_key, own=batch is facts, many=batch.many)

    def _reads(self, attribute: Attribute) -> bool:
        return self._coordinates is None or attribute.coordinate in self._coordinates

    def _sieve(self, name: str, *, around: bool) -> Sieve:
        """Make the sieve of a type; `around` says that its records may stand inside one that is about somebody."""
        kind = self._shapes.kinds[name]
        about = around or kind.subject is not None
        known = self._sieves.get((name, about))
        if known is not None:
            return known
        sieve = self._sieves[name, about] = Sieve(kind.subject, self._rules, self._consent, absent=kind.absent, unless=kind.unless)
        if sieve.consent is not None:
            sieve.fields = tuple(attribute.coordinate for attribute in kind.attributes)
        for attribute in filter(self._reads, kind.attributes):
            self._add(sieve, attribute, about=about)
        sieve.needs_facts = kind.subject is not None and (self._rules.refuses_all or (self._rules.masks and sieve.protects_anything()))
        sieve.made()
        return sieve

    def _add(self, sieve: Sieve, attribute: Attribute, *, about: bool) -> None:
        """Say what has to be looked at in one attribute."""
        if attribute.form is not None and attribute.coordinate in self._masked:
            sieve.masks[attribute.name] = attribute.form
        if about and self._rules.masks and (form := self._protecting(attribute)) is not None:
            sieve.protects[attribute.name] = form
        if sieve.consent is not None:
            sieve.covers[attribute.name] = attribute.coordinate
        for target in attribute.inside:
            if not (inside := self._sieve(target, around=about)).is_idle:
                sieve.inside[attribute.name] = inside

    def _protecting(self, attribute: Attribute) -> MaskForm | None:
        """Return how a field of a protected person looks.

        A link to records that can be masked and do not say about whom they are is not followed, whatever is read of them: nobody could
        tell that they must be.
        """
        if attribute.form is not None or attribute.link is None:
            return attribute.form
        return MaskForm.NULL if any(self._is_maskable_by_nobody(target) for target in attribute.targets) else None

    def _is_maskable_by_nobody(self, name: str) -> bool:
        kind = self._shapes.kinds[name]
        if kind.subject is not None:
            return False
        masks = any(attribute.form is not None for attribute in kind.attributes)
        return masks or any(self._is_maskable_by_nobody(each) for attribute in kind.attributes for each in attribute.inside)


def _about_key(key_type: Any) -> Callable[[Any], Any] | None:
    """Make what tells whom a key names, itself or in one of its parts; None where keys of that type never name anybody."""
    if isinstance(key_type, type) and hasattr(key_type, "person"):
        return lambda key: key.person
    for name, kind in (typing.get_type_hints(key_type) if hasattr(key_type, "_fields") else {}).items():
        if hasattr(kind, "person"):
            return lambda key, name=name: getattr(key, name).person  # type: ignore[misc]  # the name of this turn
    return None
