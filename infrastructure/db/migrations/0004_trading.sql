-- The ledger. Money and quantities are exact. ts columns are event time.

CREATE TABLE portfolio_leadership (
    portfolio text PRIMARY KEY,
    epoch bigint NOT NULL,
    holder text NOT NULL,
    acquired_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE trading_state (
    portfolio text PRIMARY KEY,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'reduce_only', 'halted')),
    reason text NOT NULL DEFAULT '',
    actor text NOT NULL DEFAULT 'system',
    changed_ts timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE execution_state (
    portfolio text PRIMARY KEY,
    epoch bigint NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    last_ts timestamptz,
    -- What the trader remembers between steps: exits, marks, peaks, the broker's update count.
    state jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    client_order_id text PRIMARY KEY,
    portfolio text NOT NULL,
    broker text NOT NULL DEFAULT 'alpaca',
    broker_order_id text,
    symbol text NOT NULL,
    asset_class text NOT NULL,
    side text NOT NULL CHECK (side IN ('buy', 'sell')),
    type text NOT NULL CHECK (type IN ('market', 'limit', 'stop', 'stop_limit')),
    time_in_force text NOT NULL CHECK (time_in_force IN ('day', 'gtc', 'ioc')),
    qty numeric NOT NULL CHECK (qty > 0),
    limit_price numeric CHECK (limit_price > 0),
    stop_price numeric CHECK (stop_price > 0),
    status text NOT NULL CHECK (status IN (
        'pending_new', 'unknown', 'accepted', 'partially_filled', 'pending_cancel',
        'filled', 'canceled', 'expired', 'rejected')),
    filled_qty numeric NOT NULL DEFAULT 0 CHECK (filled_qty >= 0),
    filled_avg_price numeric,
    intent text NOT NULL CHECK (intent IN ('entry', 'exit', 'external')),
    reason text NOT NULL DEFAULT '',
    signal_id text NOT NULL DEFAULT '',
    proposal_id text NOT NULL DEFAULT '',
    parent_order_id text REFERENCES orders,
    idempotency_key text,
    -- Step and place in the step at which it was decided; 0 outside a replay.
    seq bigint NOT NULL DEFAULT 0,
    position smallint NOT NULL DEFAULT 0,
    -- Price at which exposure is reserved while it works.
    reference_price float8 NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}',
    created_ts timestamptz NOT NULL,
    updated_ts timestamptz NOT NULL,
    sent_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX orders_broker ON orders (broker, broker_order_id) WHERE broker_order_id IS NOT NULL;
CREATE UNIQUE INDEX orders_idempotency ON orders (portfolio, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_working ON orders (portfolio, created_ts)
    WHERE status NOT IN ('filled', 'canceled', 'expired', 'rejected');
CREATE INDEX orders_created ON orders (portfolio, created_ts DESC);
CREATE INDEX orders_symbol ON orders (symbol, created_ts DESC);
CREATE INDEX orders_signal ON orders (signal_id) WHERE signal_id <> '';

CREATE TABLE order_events (
    id text PRIMARY KEY,
    ts timestamptz NOT NULL,
    client_order_id text NOT NULL REFERENCES orders,
    from_status text NOT NULL,
    to_status text NOT NULL,
    source text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}',
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX order_events_order ON order_events (client_order_id, ts);

-- One row per broker execution: the key is what makes a fill count once.
CREATE TABLE fills (
    execution_id text PRIMARY KEY,
    client_order_id text NOT NULL REFERENCES orders,
    portfolio text NOT NULL,
    symbol text NOT NULL,
    asset_class text NOT NULL,
    side text NOT NULL CHECK (side IN ('buy', 'sell')),
    qty numeric NOT NULL CHECK (qty > 0),
    price numeric NOT NULL CHECK (price > 0),
    fee numeric NOT NULL DEFAULT 0,
    fee_in_base boolean NOT NULL DEFAULT false,
    realized_pnl numeric NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    ts timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fills_order ON fills (client_order_id);
CREATE INDEX fills_ts ON fills (portfolio, ts);
CREATE INDEX fills_symbol ON fills (symbol, ts DESC);

CREATE TABLE positions (
    portfolio text NOT NULL,
    symbol text NOT NULL,
    asset_class text NOT NULL,
    qty numeric NOT NULL,
    avg_entry_price numeric NOT NULL,
    realized_pnl numeric NOT NULL DEFAULT 0,
    mark float8 NOT NULL DEFAULT 0,
    mark_ts timestamptz,
    opened_ts timestamptz,
    high_watermark float8 NOT NULL DEFAULT 0,
    state jsonb NOT NULL DEFAULT '{}',
    updated_ts timestamptz NOT NULL,
    PRIMARY KEY (portfolio, symbol)
);

CREATE TABLE cash_ledger (
    id bigserial PRIMARY KEY,
    portfolio text NOT NULL,
    ts timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('deposit', 'withdrawal', 'trade', 'fee', 'interest', 'dividend', 'adjustment')),
    amount numeric NOT NULL,
    balance numeric NOT NULL,
    currency text NOT NULL DEFAULT 'USD',
    -- What caused it, such as the execution id: one cause is booked once.
    reference text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (portfolio, kind, reference)
);
CREATE INDEX cash_ledger_ts ON cash_ledger (portfolio, ts);

CREATE TABLE portfolio_snapshots (
    portfolio text NOT NULL,
    ts timestamptz NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    -- The UTC day that this snapshot closes (YYYY-MM-DD), or empty.
    day_close text NOT NULL DEFAULT '',
    cash numeric NOT NULL,
    equity numeric NOT NULL,
    peak_equity float8 NOT NULL,
    day_start_equity float8 NOT NULL,
    trading_state text NOT NULL DEFAULT 'active',
    positions jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (portfolio, ts, day_close)
);
CREATE INDEX portfolio_snapshots_closes ON portfolio_snapshots (portfolio, day_close) WHERE day_close <> '';

CREATE TABLE outbox (
    id bigserial PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    stream text NOT NULL,
    ts timestamptz NOT NULL,
    payload bytea NOT NULL,
    traceparent text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL;
