"""How dates and numbers are written in Dhivehi pages: figures only, year first as on every page of ours, Latin digits.

Django ships nothing for `dv`; with English month names its own default would mix scripts in one line. A date with its time is
enclosed in marks of direction: between Thaana words the two would change places.
"""

from __future__ import annotations

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "\u2066Y-m-d H:i\u2069"
YEAR_MONTH_FORMAT = "Y-m"
MONTH_DAY_FORMAT = "m-d"
SHORT_DATE_FORMAT = "Y-m-d"
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
# Django counts from Sunday, 0. In the Maldives a week begins on Friday (CLDR, territory MV).
FIRST_DAY_OF_WEEK = 5
# Typed by hand, the day comes first in the Maldives (CLDR, dv).
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y"]
DATETIME_INPUT_FORMATS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M"]
DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
