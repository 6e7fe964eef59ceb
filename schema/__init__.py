"""The types that clients see: plain fields, and links to the records of other systems. `schema:schema` is what the gateway serves."""

from strawberry.schema.config import StrawberryConfig

from graph.seam import FastSchema
from schema.query import Query
from schema.scalars import SCALARS

schema = FastSchema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))

__all__ = ["schema"]
