"""What is read and sent, by camera and day; and what a day may cost."""

from winnow.pipeline.bandwidth.accounts import Accounts
from winnow.pipeline.bandwidth.budget import DailyBudget
from winnow.pipeline.bandwidth.day_book import DayBook, DayTotals
from winnow.pipeline.bandwidth.day_file import DayFile
from winnow.pipeline.bandwidth.held_pictures import HeldPictures
from winnow.pipeline.bandwidth.metrics import AccountsCollector

__all__ = [
    "Accounts",
    "AccountsCollector",
    "DailyBudget",
    "DayBook",
    "DayFile",
    "DayTotals",
    "HeldPictures",
]
