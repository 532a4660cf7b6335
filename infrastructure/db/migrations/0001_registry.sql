-- What can be traded, where its data comes from, and which phases are unlocked.

CREATE TABLE asset_class_config (
    asset_class text PRIMARY KEY,
    phase smallint NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    max_class_ratio double precision,
    parameters jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE asset_registry (
    symbol text PRIMARY KEY,
    -- Position in the configuration that was loaded last; only valid together with it.
    asset_id integer NOT NULL,
    asset_class text NOT NULL REFERENCES asset_class_config,
    phase smallint NOT NULL,
    venue text NOT NULL,
    universe text NOT NULL,
    calendar text NOT NULL,
    price_increment numeric NOT NULL CHECK (price_increment > 0),
    qty_increment numeric NOT NULL CHECK (qty_increment > 0),
    min_notional numeric NOT NULL CHECK (min_notional >= 0),
    max_position_ratio double precision NOT NULL CHECK (max_position_ratio > 0 AND max_position_ratio <= 1),
    stop_loss_ratio double precision NOT NULL CHECK (stop_loss_ratio > 0 AND stop_loss_ratio < 1),
    leverage double precision NOT NULL DEFAULT 1,
    shortable boolean NOT NULL DEFAULT false,
    rules jsonb NOT NULL DEFAULT '{}',
    leading_indicators text[] NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX asset_registry_class ON asset_registry (asset_class, symbol);

CREATE TABLE data_source_registry (
    name text PRIMARY KEY,
    kind text NOT NULL,
    asset_classes text[] NOT NULL,
    -- Names of the environment variables that hold its keys; never the keys.
    key_variables text[] NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    healthy boolean,
    detail text NOT NULL DEFAULT '',
    checked_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE phase_states (
    phase smallint PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('locked', 'active', 'reduce_only')),
    -- Event time of the last change, and what the state machine remembers between days.
    since timestamptz NOT NULL,
    state jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Every requirement of every phase as it was evaluated last.
CREATE TABLE phase_requirements (
    phase smallint NOT NULL,
    name text NOT NULL,
    position smallint NOT NULL DEFAULT 0,
    threshold double precision,
    current double precision,
    met boolean NOT NULL,
    detail text NOT NULL DEFAULT '',
    evaluated_ts timestamptz NOT NULL,
    PRIMARY KEY (phase, name)
);

CREATE TABLE phase_activation_log (
    id bigserial PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    ts timestamptz NOT NULL,
    phase smallint NOT NULL,
    from_status text NOT NULL,
    to_status text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    requirements jsonb NOT NULL DEFAULT '[]',
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX phase_activation_log_phase ON phase_activation_log (phase, ts DESC);

CREATE TABLE economic_calendar (
    ts timestamptz NOT NULL,
    country text NOT NULL,
    name text NOT NULL,
    importance smallint NOT NULL DEFAULT 0,
    asset_classes text[] NOT NULL DEFAULT '{}',
    actual double precision,
    forecast double precision,
    previous double precision,
    source text NOT NULL DEFAULT '',
    PRIMARY KEY (ts, country, name)
);

CREATE TABLE audit_log (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    service text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    trace_id text NOT NULL DEFAULT ''
);
CREATE INDEX audit_log_at ON audit_log (at DESC);
