"""Customers of a telephone company and whether they left: IBM's sample of 7,043, as `wa_churn` in R's modeldata."""

from __future__ import annotations

from datetime import date

import pandas as pd

from include.data.packages import rdataset


def read(start: date, end: date) -> pd.DataFrame:
    """Return every customer; the table has no days, so each night sees it whole."""
    customers = rdataset("modeldata/wa_churn", "telco_churn")
    return customers.assign(customer=[f"C{number:05d}" for number in range(1, len(customers) + 1)])
