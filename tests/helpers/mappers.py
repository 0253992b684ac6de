"""Mappings of a stream, as Airbyte's API has them."""

from dagster_airbyte_sync.testing.wire.payload import JsonObject

# None of these may ever be seen.
AES_KEY = "c2VjcmV0LWFlcy1rZXk"


def hashing(field: str, suffix: str = "_hashed") -> JsonObject:
    settings: JsonObject = {"targetField": field, "method": "SHA-256", "fieldNameSuffix": suffix}
    return {"type": "hashing", "mapperConfiguration": settings}


def encryption(field: str, suffix: str = "_encrypted") -> JsonObject:
    settings: JsonObject = {
        "algorithm": "AES",
        "targetField": field,
        "fieldNameSuffix": suffix,
        "key": AES_KEY,
        "mode": "GCM",
        "padding": "NoPadding",
    }
    return {"type": "encryption", "mapperConfiguration": settings}


def renaming(before: str, after: str) -> JsonObject:
    settings: JsonObject = {"originalFieldName": before, "newFieldName": after}
    return {"type": "field-renaming", "mapperConfiguration": settings}


def filtering(field: str) -> JsonObject:
    return {"type": "field-filtering", "mapperConfiguration": {"targetField": field}}


def row_filtering(field: str) -> JsonObject:
    condition: JsonObject = {"type": "EQUAL", "fieldName": field, "comparisonValue": "x"}
    return {"type": "row-filtering", "mapperConfiguration": {"conditions": condition}}


EVERY_MAPPER = (
    hashing("id"),
    encryption("name"),
    renaming("name_encrypted", "who"),
    filtering("age"),
    row_filtering("id"),
)
