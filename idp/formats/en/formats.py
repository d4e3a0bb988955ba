from idp.formats import DATE_FORMAT as DATE_FORMAT
from idp.formats import DATETIME_FORMAT as DATETIME_FORMAT
