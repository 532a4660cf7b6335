-- The paper exchange's own books: one account, its orders, positions, history and announced trade updates.
-- Rows keep the exchange's records as JSON (exact decimals as text); columns beside it are what is searched.
CREATE SCHEMA IF NOT EXISTS paper;

CREATE TABLE IF NOT EXISTS paper.accounts (
    account text PRIMARY KEY,
    -- SHA-256 of the registry's symbols in order: asset ids in the rows below mean nothing under another one.
    registry text NOT NULL,
    created_ns bigint NOT NULL,
    starting_cash numeric NOT NULL,
    configuration jsonb NOT NULL DEFAULT '{}',
    -- The last committed step and its event time; trade updates announced in total.
    step_seq bigint NOT NULL DEFAULT 0,
    clock_ns bigint NOT NULL DEFAULT 0,
    trade_updates bigint NOT NULL DEFAULT 0,
    doc jsonb NOT NULL
);

CREATE TABLE IF NOT EXISTS paper.orders (
    order_id uuid PRIMARY KEY,
    account text NOT NULL REFERENCES paper.accounts,
    client_order_id text NOT NULL,
    seq bigint NOT NULL,
    parent_id uuid,
    asset_id integer NOT NULL,
    side text NOT NULL,
    status text NOT NULL,
    is_open boolean NOT NULL,
    created_ns bigint NOT NULL,
    updated_ns bigint NOT NULL,
    doc jsonb NOT NULL,
    UNIQUE (account, client_order_id)
);
CREATE INDEX IF NOT EXISTS orders_by_time ON paper.orders (account, created_ns, seq);
CREATE INDEX IF NOT EXISTS orders_open ON paper.orders (account, seq) WHERE is_open;
CREATE INDEX IF NOT EXISTS orders_by_parent ON paper.orders (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS paper.positions (
    account text NOT NULL REFERENCES paper.accounts,
    asset_id integer NOT NULL,
    doc jsonb NOT NULL,
    PRIMARY KEY (account, asset_id)
);

CREATE TABLE IF NOT EXISTS paper.activities (
    account text NOT NULL REFERENCES paper.accounts,
    number bigint GENERATED ALWAYS AS IDENTITY,
    activity_id uuid NOT NULL,
    type text NOT NULL,
    ts_ns bigint NOT NULL,
    doc jsonb NOT NULL,
    PRIMARY KEY (account, activity_id)
);
CREATE INDEX IF NOT EXISTS activities_by_time ON paper.activities (account, ts_ns, number);

CREATE TABLE IF NOT EXISTS paper.trade_updates (
    account text NOT NULL REFERENCES paper.accounts,
    number bigint NOT NULL,
    ts_ns bigint NOT NULL,
    event text NOT NULL,
    order_id uuid NOT NULL,
    doc jsonb NOT NULL,
    PRIMARY KEY (account, number)
);
