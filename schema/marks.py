"""Marks: how sensitive a field is, who may read it, how it looks masked, how much it may be, and what it costs."""

from typing import Final

from graph.seam import Cost, Fee, ListSize, Mask, MaskForm, Personal, PersonalClass, RequiresPolicies, RequiresScopes

# Classes as Decree 356/2025 has them: health, origin, belief and what somebody earns and owes are sensitive.
BASIC: Final = Personal()
SENSITIVE: Final = Personal(class_=PersonalClass.SENSITIVE)

HIDDEN: Final = Mask()
LAST_FOUR: Final = Mask(as_=MaskForm.LAST_FOUR)
YEAR: Final = Mask(as_=MaskForm.YEAR)
INITIALS: Final = Mask(as_=MaskForm.INITIALS)

# The population database charges for each field that it gives, unless the consumer is exempt.
CHARGED: Final = Fee(vnd=1_000)
# A system that takes one key a call is asked once for each.
ONE_A_CALL: Final = Cost(weight="5")

SENSITIVE_SCOPE: Final = RequiresScopes(scopes=[["citizen:sensitive"]])
TAX_SCOPE: Final = RequiresScopes(scopes=[["tax:read"]])
# Who is told what somebody earns has undertaken towards the tax authority to keep it secret.
TAX_SECRECY: Final = RequiresPolicies(policies=[["tax-secrecy"]])


def about(items: int) -> ListSize:
    """Say how long a list is expected to be."""
    return ListSize(assumed_size=items)


def as_many_as(argument: str) -> ListSize:
    """Say that a list is as long as the one that the caller gives."""
    return ListSize(slicing_arguments=[argument])
