"""What tests have changed in the world that the agencies know: names of people, and names in the shared code lists."""

from sandbox.records import Person


class Changes:
    """Changed names, in force until they are undone; everything that is not changed here stays as it was computed."""

    def __init__(self) -> None:
        self._people: dict[str, str] = {}
        self._rows: dict[str, dict[str, str]] = {}

    def rename_person(self, personal_id: str, full_name: str) -> None:
        """Give a person another name in their own record at the population system; relatives and other systems keep the old one."""
        self._people[personal_id] = full_name

    def rename_row(self, code_list: str, code: str, name: str) -> None:
        """Give a row of a code list another name."""
        self._rows.setdefault(code_list, {})[code] = name

    def undo_people(self) -> None:
        """Give all people their own names back."""
        self._people.clear()

    def undo_rows(self) -> None:
        """Give all rows of code lists their own names back."""
        self._rows.clear()

    def person(self, person: Person) -> Person:
        """Return a person under the name in force; the first word of a changed name is the surname, the last the given name."""
        if (full_name := self._people.get(person.personal_id)) is None:
            return person
        first, *middle = full_name.split()
        last = middle.pop() if middle else ""
        surname, given = (first, last) if last else ("", first)
        return person._replace(surname=surname, middle=" ".join(middle), given=given, whole_name_in_given=not last)

    def rows(self, code_list: str) -> dict[str, str]:
        """Return the changed names of a code list by code."""
        return self._rows.get(code_list, {})
