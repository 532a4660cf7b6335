-- Time tables. Every key holds ts, as hypertables require. Prices for analytics are float8.

-- ts is the START of the bar; event_ts, when it is known, its end: a session's close can come before ts + timeframe.
CREATE TABLE bars (
    symbol text NOT NULL,
    timeframe text NOT NULL,
    ts timestamptz NOT NULL,
    event_ts timestamptz NOT NULL,
    asset_class text NOT NULL,
    open float8 NOT NULL,
    high float8 NOT NULL,
    low float8 NOT NULL,
    close float8 NOT NULL,
    volume float8 NOT NULL,
    PRIMARY KEY (symbol, timeframe, ts)
);
CREATE INDEX bars_ts ON bars (ts);

CREATE TABLE bar_quarantine (
    symbol text NOT NULL,
    timeframe text NOT NULL,
    ts timestamptz NOT NULL,
    asset_class text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL DEFAULT '',
    open float8,
    high float8,
    low float8,
    close float8,
    volume float8,
    source text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (symbol, timeframe, ts, reason)
);
CREATE INDEX bar_quarantine_ts ON bar_quarantine (ts);

CREATE TABLE data_quality (
    universe text NOT NULL,
    timeframe text NOT NULL,
    ts timestamptz NOT NULL,
    score float8 NOT NULL CHECK (score >= 0 AND score <= 1),
    bars integer NOT NULL,
    quarantined integer NOT NULL DEFAULT 0,
    missing integer NOT NULL DEFAULT 0,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (universe, timeframe, ts)
);

CREATE TABLE quotes (
    symbol text NOT NULL,
    ts timestamptz NOT NULL,
    asset_class text NOT NULL,
    venue text NOT NULL DEFAULT '',
    bid float8 NOT NULL,
    bid_size float8 NOT NULL,
    ask float8 NOT NULL,
    ask_size float8 NOT NULL,
    PRIMARY KEY (symbol, ts, venue)
);

CREATE TABLE trades (
    symbol text NOT NULL,
    ts timestamptz NOT NULL,
    asset_class text NOT NULL,
    venue text NOT NULL DEFAULT '',
    trade_id text NOT NULL,
    price float8 NOT NULL,
    size float8 NOT NULL,
    PRIMARY KEY (symbol, ts, venue, trade_id)
);

CREATE TABLE option_quotes (
    symbol text NOT NULL,
    ts timestamptz NOT NULL,
    asset_class text NOT NULL,
    underlying text NOT NULL,
    expiry date NOT NULL,
    option_right text NOT NULL CHECK (option_right IN ('call', 'put')),
    strike float8 NOT NULL,
    bid float8,
    ask float8,
    last float8,
    volume float8,
    open_interest float8,
    implied_volatility float8,
    delta float8,
    gamma float8,
    theta float8,
    vega float8,
    PRIMARY KEY (symbol, ts)
);
CREATE INDEX option_quotes_chain ON option_quotes (underlying, ts DESC, expiry, strike);

CREATE TABLE leading_indicators (
    name text NOT NULL,
    ts timestamptz NOT NULL,
    source text NOT NULL DEFAULT '',
    value float8 NOT NULL,
    -- When the value became known; a decision may not use it earlier.
    known_at timestamptz NOT NULL,
    PRIMARY KEY (name, ts, source)
);

CREATE TABLE social_sentiment (
    symbol text NOT NULL,
    ts timestamptz NOT NULL,
    source text NOT NULL,
    asset_class text NOT NULL,
    score float8 NOT NULL CHECK (score >= -1 AND score <= 1),
    mentions integer NOT NULL CHECK (mentions >= 0),
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (symbol, ts, source)
);
CREATE INDEX social_sentiment_ts ON social_sentiment (ts);

CREATE TABLE options_flow (
    id text NOT NULL,
    ts timestamptz NOT NULL,
    underlying text NOT NULL,
    asset_class text NOT NULL,
    contract text NOT NULL,
    side text NOT NULL,
    size float8 NOT NULL,
    price float8 NOT NULL,
    premium float8 NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, ts)
);
CREATE INDEX options_flow_underlying ON options_flow (underlying, ts DESC);
