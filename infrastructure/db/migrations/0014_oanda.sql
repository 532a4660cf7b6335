-- The forex venue's own books: accounts, their orders, trades, totals by instrument and journals of transactions.
-- Rows keep the engine's records as JSON (exact decimals as text); columns beside it are what is searched.
CREATE SCHEMA IF NOT EXISTS paper;

CREATE TABLE IF NOT EXISTS paper.oanda_accounts (
    account text PRIMARY KEY,
    -- The last committed step and its event time.
    step_seq bigint NOT NULL DEFAULT 0,
    clock_ns bigint NOT NULL DEFAULT 0,
    doc jsonb NOT NULL
);

CREATE TABLE IF NOT EXISTS paper.oanda_orders (
    account text NOT NULL REFERENCES paper.oanda_accounts,
    order_id bigint NOT NULL,
    instrument text NOT NULL,
    state text NOT NULL,
    doc jsonb NOT NULL,
    PRIMARY KEY (account, order_id)
);
CREATE INDEX IF NOT EXISTS oanda_orders_pending ON paper.oanda_orders (account, order_id) WHERE state = 'PENDING';

CREATE TABLE IF NOT EXISTS paper.oanda_trades (
    account text NOT NULL REFERENCES paper.oanda_accounts,
    trade_id bigint NOT NULL,
    instrument text NOT NULL,
    state text NOT NULL,
    doc jsonb NOT NULL,
    PRIMARY KEY (account, trade_id)
);
CREATE INDEX IF NOT EXISTS oanda_trades_open ON paper.oanda_trades (account, trade_id) WHERE state = 'OPEN';

CREATE TABLE IF NOT EXISTS paper.oanda_totals (
    account text NOT NULL REFERENCES paper.oanda_accounts,
    instrument text NOT NULL,
    doc jsonb NOT NULL,
    PRIMARY KEY (account, instrument)
);

CREATE TABLE IF NOT EXISTS paper.oanda_transactions (
    account text NOT NULL REFERENCES paper.oanda_accounts,
    id bigint NOT NULL,
    ts_ns bigint NOT NULL,
    type text NOT NULL,
    batch bigint NOT NULL,
    doc jsonb NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX IF NOT EXISTS oanda_transactions_by_time ON paper.oanda_transactions (account, ts_ns, id);
