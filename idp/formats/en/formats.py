from idp.formats import DATETIME_FORMAT as DATETIME_FORMAT
