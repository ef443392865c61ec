"""What a column's name says that it is: a key, a code, a count of rows. A name alone proves nothing. Pure."""

from __future__ import annotations

import re

from include.config.personal import WORD

KEY_ENDS = frozenset({"id", "ids", "key", "uuid", "guid", "no", "nr", "nbr", "number", "code", "pk", "sk", "ref"})
KEY_STARTS = frozenset({"id", "key", "uuid", "guid"})
COUNTS = frozenset({"n", "no", "nr", "num", "number", "count", "total", "sum", "max", "min", "mean", "avg"})
"""Words that a count begins with: `number_of_rooms`, `no_of_children` name nothing."""
THINGS = (
    *("store", "shop", "branch", "station", "route", "sku", "product", "item", "article", "dept", "department"),
    *("user", "customer", "client", "patient", "subject", "person", "student", "employee", "member", "account"),
    *("supplier", "vendor", "warehouse", "plant", "machine", "device", "sensor", "vehicle", "driver", "player", "team"),
    *("company", "firm", "school", "household", "village", "city", "country", "county", "district", "region", "zone"),
    *("site", "plot", "batch", "order", "invoice", "booking", "trip", "ride", "flight", "session", "transaction"),
    *("case", "record", "loan", "policy", "claim", "ticket", "event", "film", "movie", "book", "game", "match"),
)
"""Things that a table is about. A column named for one says which, whatever its values look like."""
CODES = frozenset(
    {
        *THINGS,
        *("zip", "zipcode", "postcode", "postal", "plz", "fips", "sic", "naics", "isin", "tract", "ward", "precinct"),
        *("type", "category", "group", "cluster", "status", "gender", "sex", "race", "ethnicity", "occupation"),
        *("channel", "sector", "individual"),
    }
)
GLUED = re.compile(rf"({'|'.join(THINGS)})(id|no|nr|nbr|key|code)")
"""`customerid`, in one word; `paid`, `humid` and `grid` end in id as well."""
NAMELESS = re.compile(r"\s*|Unnamed: ?\d+(_level_\d+)?|\.{2,3}\d+|V0|X\.?|__index_level_\d+__", re.IGNORECASE)
INDEX = frozenset({"index", "row", "rows", "rownames", "rowname", "rowid", "rownum", "rownumber", "idx", "instant"})


def words_of(name: str) -> list[str]:
    """Its words in small letters: `StoreNbr`, `store_nbr` and `store nbr` are all store, nbr."""
    return [word.lower() for word in WORD.findall(name)]


def sounds_like_key(name: str) -> bool:
    """Whether the name says that the column names something: `order_id`, `invoiceNo`, `customerid`."""
    words = words_of(name)
    if not words:
        return False
    ends = words[-1] in KEY_ENDS and (len(words) > 1 or words[-1] not in COUNTS)
    starts = words[0] in KEY_STARTS and not counts(name)
    return ends or starts or GLUED.fullmatch(words[-1]) is not None


def sounds_like_code(name: str) -> bool:
    """Whether whole numbers under this name say which, not how many: `store`, `zip`, `store_type`."""
    words = words_of(name)
    return bool(words) and not counts(name) and (words[-1] in CODES or sounds_like_key(name))


def counts(name: str) -> bool:
    """Whether the name begins as a count or a figure does: `number_of_rooms`, `n_items`, `max_store`."""
    words = words_of(name)
    return len(words) > 1 and words[0] in COUNTS and words[-1] not in KEY_STARTS


def counts_rows(name: str) -> bool:
    """Whether the name is what a table's row index becomes when it is written to a file."""
    return NAMELESS.fullmatch(name) is not None or "".join(words_of(name)) in INDEX
