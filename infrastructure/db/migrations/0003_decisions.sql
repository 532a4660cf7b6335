-- Why an order came to be: signals, predictions, risk decisions, and what the signal engine remembers.

CREATE TABLE signals (
    id uuid NOT NULL,
    ts timestamptz NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    universe text NOT NULL,
    symbol text NOT NULL,
    asset_class text NOT NULL,
    direction smallint NOT NULL CHECK (direction IN (-1, 1)),
    confidence float8 NOT NULL CHECK (confidence >= 0 AND confidence <= 1),
    price float8 NOT NULL,
    votes jsonb NOT NULL DEFAULT '{}',
    features jsonb NOT NULL DEFAULT '{}',
    model_version text NOT NULL DEFAULT '',
    PRIMARY KEY (id, ts)
);
CREATE INDEX signals_symbol ON signals (symbol, ts DESC);
CREATE INDEX signals_ts ON signals (ts);

CREATE TABLE predictions (
    model_id text NOT NULL,
    symbol text NOT NULL,
    ts timestamptz NOT NULL,
    asset_class text NOT NULL,
    universe text NOT NULL,
    model_version text NOT NULL,
    probability float8 NOT NULL CHECK (probability >= 0 AND probability <= 1),
    PRIMARY KEY (model_id, symbol, ts)
);
CREATE INDEX predictions_ts ON predictions (ts);

CREATE TABLE risk_decisions (
    proposal_id text NOT NULL,
    ts timestamptz NOT NULL,
    portfolio text NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    symbol text NOT NULL,
    asset_class text NOT NULL,
    side text NOT NULL CHECK (side IN ('buy', 'sell')),
    intent text NOT NULL CHECK (intent IN ('entry', 'exit', 'external')),
    approved boolean NOT NULL,
    qty numeric NOT NULL,
    price float8 NOT NULL,
    confidence float8 NOT NULL DEFAULT 0,
    reasons text[] NOT NULL DEFAULT '{}',
    detail text NOT NULL DEFAULT '',
    figures jsonb NOT NULL DEFAULT '{}',
    signal_id text NOT NULL DEFAULT '',
    PRIMARY KEY (portfolio, proposal_id, ts)
);
CREATE INDEX risk_decisions_ts ON risk_decisions (ts);
CREATE INDEX risk_decisions_signal ON risk_decisions (signal_id) WHERE signal_id <> '';

CREATE TABLE signal_checkpoints (
    universe text PRIMARY KEY,
    ts timestamptz NOT NULL,
    seq bigint NOT NULL,
    -- Configuration that the state belongs to; another one must start cold.
    fingerprint text NOT NULL DEFAULT '',
    state bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
