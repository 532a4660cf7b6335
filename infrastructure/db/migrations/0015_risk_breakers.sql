-- Every trip and re-arm of a circuit breaker; the state itself is part of execution_state.
CREATE TABLE risk_breakers (
    id bigserial PRIMARY KEY,
    portfolio text NOT NULL,
    ts timestamptz NOT NULL,
    breaker text NOT NULL,
    event text NOT NULL CHECK (event IN ('trip', 'rearm')),
    value float8,
    action text NOT NULL,
    actor text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT ''
);
CREATE INDEX risk_breakers_by_time ON risk_breakers (portfolio, ts DESC);

-- The last marks of each closed day, which correlations and value at risk are computed from.
CREATE TABLE risk_daily_closes (
    portfolio text NOT NULL,
    day date NOT NULL,
    symbols text[] NOT NULL,
    closes float8[] NOT NULL,
    PRIMARY KEY (portfolio, day)
);

-- Earnings reports: the assets that an event of the calendar concerns.
ALTER TABLE economic_calendar ADD COLUMN IF NOT EXISTS symbols text[] NOT NULL DEFAULT '{}';
