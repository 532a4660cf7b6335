-- Several accounts at one paper exchange: to which exchange each belongs, their API keys and their watchlists.

-- The exchange's own account has no house; another's house is the exchange's own account.
ALTER TABLE paper.accounts ADD COLUMN IF NOT EXISTS house text;
ALTER TABLE paper.accounts ADD COLUMN IF NOT EXISTS label text;
ALTER TABLE paper.accounts ADD COLUMN IF NOT EXISTS is_closed boolean NOT NULL DEFAULT false;
CREATE INDEX IF NOT EXISTS accounts_by_house ON paper.accounts (house) WHERE house IS NOT NULL;

CREATE TABLE IF NOT EXISTS paper.api_keys (
    key_id text PRIMARY KEY,
    account text NOT NULL REFERENCES paper.accounts ON DELETE CASCADE,
    -- SHA-256 of key and secret; the secret itself is shown once and not kept.
    secret_sha256 text NOT NULL,
    created_ns bigint NOT NULL,
    is_revoked boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS api_keys_by_account ON paper.api_keys (account);

CREATE TABLE IF NOT EXISTS paper.watchlists (
    watchlist_id uuid PRIMARY KEY,
    account text NOT NULL REFERENCES paper.accounts ON DELETE CASCADE,
    name text NOT NULL,
    symbols jsonb NOT NULL DEFAULT '[]',
    created_ns bigint NOT NULL,
    updated_ns bigint NOT NULL,
    UNIQUE (account, name)
);
