"""How days and moments are written, in every language: as logs and other pages of ours write them, with their zone."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i T"
