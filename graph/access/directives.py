"""The directives of the schema that say what a field is, who may read it and what it costs; they are printed, so that all can see them.

`@authenticated`, `@requiresScopes` and `@policy` mean what they mean to Apollo's and Hive's routers, `@cost` and `@listSize` what IBM's
specification of the cost of a query says. One that stands on a type holds for each of its fields and for each field that gives it.
"""

import enum

import strawberry
from strawberry.schema_directive import Location

RULED = [Location.FIELD_DEFINITION, Location.OBJECT, Location.SCALAR, Location.ENUM]


@strawberry.enum(description="How sensitive it is what a field says about a person (mức độ nhạy cảm của dữ liệu cá nhân).")
class PersonalClass(enum.Enum):
    """Basic and sensitive personal data, as Law 91/2025 and Decree 356/2025 tell them apart."""

    BASIC = "basic"
    SENSITIVE = "sensitive"


@strawberry.enum(description="How a field looks to those who may see it only masked (cách che dữ liệu).")
class MaskForm(enum.Enum):
    """The forms of a masked value."""

    NULL = "null"
    LAST_FOUR = "last_four"
    YEAR = "year"
    INITIALS = "initials"


@strawberry.enum(description="What somebody gets who may not see a record (bản ghi không được phép xem).")
class Refused(enum.Enum):
    """Whether a refused record says so, or looks as if there were none."""

    ERROR = "error"
    ABSENT = "absent"


@strawberry.schema_directive(locations=RULED, name="authenticated", description="Only for consumers who have proved who they are.")
class Authenticated:
    """The caller is known."""


@strawberry.schema_directive(
    locations=RULED, name="requiresScopes", description="Only with all scopes of at least one of these lists (inner: and, outer: or)."
)
class RequiresScopes:
    """The caller's credentials carry scopes."""

    scopes: list[list[str]]


@strawberry.schema_directive(
    locations=RULED, name="policy", description="Only where all policies of at least one of these lists hold (inner: and, outer: or)."
)
class Policy:
    """Named policies hold for the caller; one that nobody has decided does not hold."""

    policies: list[list[str]]


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION, Location.OBJECT], name="purpose", description="Only for these purposes.")
class PurposeIn:
    """The request's purpose is one of these."""

    purposes: list[str] = strawberry.directive_field(name="in")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="personal",
    description="Says something about a person, and of which class.",
)
class Personal:
    """Personal data: nobody who is not known may read it, whatever is declared open."""

    class_: PersonalClass = strawberry.directive_field(name="class", default=PersonalClass.BASIC)


@strawberry.schema_directive(
    locations=[Location.OBJECT],
    name="subject",
    description=(
        "The field that holds the personal id of whom a record is about, what somebody gets who may not see it, and the field that says, "
        "where there is no personal id, that the record is about no person."
    ),
)
class Subject:
    """Whom records of a type are about; `field` may lead through one list, as in `members.personalId`.

    Who has no id is somebody unknown, unless the record has the field `unless`, as the code of a business: then it is about nobody.
    """

    field: str
    refused: Refused = Refused.ERROR
    unless: str | None = strawberry.directive_field(name="unless", default=strawberry.UNSET)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="mask",
    description="How it looks to who may read it only masked, and to nearly everybody where the person is protected.",
)
class Mask:
    """The masked form of a field."""

    as_: MaskForm = strawberry.directive_field(name="as", default=MaskForm.NULL)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], name="fee", description="What the owner charges for each value, in VND."
)
class Fee:
    """The fee for one value of a field, in Vietnamese dong."""

    vnd: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT, Location.SCALAR, Location.ENUM, Location.ARGUMENT_DEFINITION],
    name="cost",
    description="Weight in the cost of a query; without it a field that gives objects weighs 1 and any other nothing.",
)
class Cost:
    """IBM's `@cost`."""

    weight: str


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="listSize", description="How long a list can be expected to be.")
class ListSize:
    """IBM's `@listSize`; a slicing argument that is itself a list counts with its length."""

    assumed_size: int | None = None
    slicing_arguments: list[str] | None = None
    sized_fields: list[str] | None = None
    require_one_slicing_argument: bool = True


Directive = Authenticated | RequiresScopes | Policy | PurposeIn | Personal | Subject | Mask | Fee | Cost | ListSize
