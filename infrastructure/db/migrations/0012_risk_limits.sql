-- Limits that an operator changed at run time; they override config/risk.yaml until they are changed again.
CREATE TABLE risk_limits (
    portfolio text NOT NULL,
    name text NOT NULL,
    value float8 NOT NULL,
    actor text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (portfolio, name)
);
