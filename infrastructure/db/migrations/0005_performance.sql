-- What was earned, by day; and whether it unlocks a phase.

-- One row per UTC day and asset class; asset_class 'all' is the whole portfolio.
CREATE TABLE daily_performance (
    portfolio text NOT NULL,
    day date NOT NULL,
    asset_class text NOT NULL,
    pnl numeric NOT NULL,
    fees numeric NOT NULL DEFAULT 0,
    equity numeric NOT NULL,
    return_ratio float8 NOT NULL,
    drawdown_ratio float8 NOT NULL DEFAULT 0,
    trades integer NOT NULL DEFAULT 0,
    wins integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    detail jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (portfolio, day, asset_class)
);

CREATE TABLE asset_performance (
    portfolio text NOT NULL,
    day date NOT NULL,
    symbol text NOT NULL,
    asset_class text NOT NULL,
    pnl numeric NOT NULL,
    fees numeric NOT NULL DEFAULT 0,
    trades integer NOT NULL DEFAULT 0,
    wins integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    exposure_ratio float8 NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (portfolio, day, symbol)
);

CREATE TABLE strategy_performance (
    portfolio text NOT NULL,
    day date NOT NULL,
    strategy text NOT NULL,
    signals integer NOT NULL DEFAULT 0,
    trades integer NOT NULL DEFAULT 0,
    wins integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    pnl numeric NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (portfolio, day, strategy)
);

CREATE TABLE correlation_matrix (
    day date NOT NULL,
    window_days integer NOT NULL,
    symbol_a text NOT NULL,
    symbol_b text NOT NULL,
    correlation float8 NOT NULL CHECK (correlation >= -1 AND correlation <= 1),
    observations integer NOT NULL,
    PRIMARY KEY (day, window_days, symbol_a, symbol_b),
    CHECK (symbol_a < symbol_b)
);

CREATE VIEW phase_readiness AS
SELECT s.phase, s.name, s.status, s.since,
    coalesce(bool_and(r.met), true) AS ready,
    count(r.name) AS requirements_total,
    count(r.name) FILTER (WHERE r.met) AS requirements_met,
    coalesce(jsonb_agg(jsonb_build_object(
        'name', r.name, 'threshold', r.threshold, 'current', r.current, 'met', r.met, 'detail', r.detail)
        ORDER BY r.position, r.name) FILTER (WHERE r.name IS NOT NULL), '[]'::jsonb) AS requirements,
    max(r.evaluated_ts) AS evaluated_ts
FROM phase_states s
LEFT JOIN phase_requirements r USING (phase)
GROUP BY s.phase, s.name, s.status, s.since;
