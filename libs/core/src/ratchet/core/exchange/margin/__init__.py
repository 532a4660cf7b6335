"""Margin as dated policies: which rule an account is under follows from its kind and the day."""

from ratchet.core.exchange.margin.figures import Figures, figures_of
from ratchet.core.exchange.margin.policy import MarginPolicy
from ratchet.core.exchange.margin.rates import reserve_rate
from ratchet.core.exchange.margin.selection import policy_on

__all__ = ["Figures", "MarginPolicy", "figures_of", "policy_on", "reserve_rate"]
