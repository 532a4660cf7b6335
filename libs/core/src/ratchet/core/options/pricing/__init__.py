"""Option values: European by Black-Scholes-Merton, American by a binomial tree; implied volatility."""

from ratchet.core.options.pricing.american import american_greeks, american_price
from ratchet.core.options.pricing.black_scholes import Greeks, black_scholes
from ratchet.core.options.pricing.implied import implied_volatility

__all__ = ["Greeks", "american_greeks", "american_price", "black_scholes", "implied_volatility"]
