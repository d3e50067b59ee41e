"""What is known about one entity, and which texts name one."""

from dataclasses import dataclass
from datetime import datetime

from devhost.durable.errors import InvalidInstanceId
from devhost.errors import encodable

MARK = "@"


@dataclass(frozen=True, slots=True)
class EntityId:
    """Name, always in lower case, and key. As text `@name@key`, which is its instance ID; the key may hold `@`.

    Source: Azure/azure-functions-durable-extension, EntityId.cs.
    """

    name: str
    key: str

    def __post_init__(self) -> None:
        """Raises InvalidInstanceId for a name or key that no entity can have."""
        object.__setattr__(self, "name", self.name.lower())
        if not self.name or MARK in self.name:
            raise InvalidInstanceId(str(self), "an entity needs a name, and the name must not contain @.")
        if encodable(str(self)) != str(self):
            raise InvalidInstanceId(str(self), "halves of surrogate pairs cannot be stored.")

    def __str__(self) -> str:
        return f"{MARK}{self.name}{MARK}{self.key}"

    @classmethod
    def parse(cls, text: str) -> "EntityId":
        """The ID in `@name@key`. Raises InvalidInstanceId."""
        before, first, rest = text.partition(MARK)
        name, second, key = rest.partition(MARK)
        if before or not (first and second):
            raise InvalidInstanceId(text, "the ID of an entity has the form @name@key.")
        return cls(name, key)


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity that exists; `state_text` is JSON, None in a list that was asked for without states."""

    entity_id: EntityId
    state_text: str | None
    last_operation_at: datetime


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """Which entities are meant; an empty query means all. Both times are inclusive."""

    name: str | None = None
    operated_from: datetime | None = None
    operated_to: datetime | None = None
