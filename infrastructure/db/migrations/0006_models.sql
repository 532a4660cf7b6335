-- Models with their card and artifact, and how they were trained.

CREATE TABLE model_registry (
    model_id text PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    universe text NOT NULL,
    stage text NOT NULL DEFAULT 'candidate' CHECK (stage IN ('candidate', 'production', 'retired')),
    train_start timestamptz NOT NULL,
    train_end timestamptz NOT NULL,
    feature_names text[] NOT NULL,
    metrics jsonb NOT NULL DEFAULT '{}',
    card jsonb NOT NULL DEFAULT '{}',
    artifact_format text NOT NULL,
    artifact_sha256 text NOT NULL,
    artifact bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    promoted_at timestamptz,
    promoted_by text NOT NULL DEFAULT '',
    UNIQUE (name, version),
    CHECK (train_start <= train_end)
);
CREATE UNIQUE INDEX model_registry_production ON model_registry (universe) WHERE stage = 'production';

CREATE TABLE training_runs (
    run_id text PRIMARY KEY,
    name text NOT NULL,
    universe text NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'succeeded', 'failed')),
    parameters jsonb NOT NULL DEFAULT '{}',
    metrics jsonb NOT NULL DEFAULT '{}',
    model_id text REFERENCES model_registry,
    error text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX training_runs_started ON training_runs (started_at DESC);
