"""Option values: European by Black-Scholes-Merton, American by a binomial tree; implied volatility."""

from typing import TYPE_CHECKING

from ratchet.core.lazy import on_demand

if TYPE_CHECKING:
    from ratchet.core.options.pricing.american import american_greeks, american_price
    from ratchet.core.options.pricing.european import Greeks, black_scholes
    from ratchet.core.options.pricing.implied import implied_volatility
else:
    # numba comes with them, and many a portfolio holds no options.
    __getattr__ = on_demand(
        __name__,
        {
            "Greeks": "european",
            "american_greeks": "american",
            "american_price": "american",
            "black_scholes": "european",
            "implied_volatility": "implied",
        },
    )

__all__ = ["Greeks", "american_greeks", "american_price", "black_scholes", "implied_volatility"]
