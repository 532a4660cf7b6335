-- What became of the price after each exit; ratios as in ratchet.core.exits.ExitOutcome.
CREATE TABLE exit_outcomes (
    portfolio text NOT NULL,
    -- The proposal of the exit, or the order of a stop that rested at the broker.
    id text NOT NULL,
    ts timestamptz NOT NULL,
    symbol text NOT NULL,
    asset_class text NOT NULL,
    side text NOT NULL CHECK (side IN ('long', 'short')),
    qty numeric NOT NULL,
    reason text NOT NULL,
    entry_price float8 NOT NULL,
    exit_price float8 NOT NULL,
    gain_ratio float8 NOT NULL,
    held_seconds float8 NOT NULL,
    figures jsonb NOT NULL DEFAULT '{}',
    bars integer NOT NULL,
    after_best_ratio float8 NOT NULL,
    after_worst_ratio float8 NOT NULL,
    after_close_ratio float8 NOT NULL,
    PRIMARY KEY (portfolio, id)
);
CREATE INDEX exit_outcomes_ts ON exit_outcomes (portfolio, ts);
