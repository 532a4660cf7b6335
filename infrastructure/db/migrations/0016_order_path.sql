-- Every state that an order can be in, the requests that have no answer, and replaced orders.
ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_status_check;
ALTER TABLE orders ADD CONSTRAINT orders_status_check CHECK (status IN (
    'pending_new', 'unknown', 'accepted', 'held', 'suspended', 'partially_filled', 'pending_cancel',
    'pending_replace', 'filled', 'canceled', 'expired', 'rejected', 'replaced'));
ALTER TABLE orders ADD COLUMN IF NOT EXISTS unanswered text NOT NULL DEFAULT ''
    CHECK (unanswered IN ('', 'submit', 'cancel', 'replace', 'status'));
ALTER TABLE orders ADD COLUMN IF NOT EXISTS replaces text NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN IF NOT EXISTS replaced_by text NOT NULL DEFAULT '';
DROP INDEX IF EXISTS orders_working;
CREATE INDEX orders_working ON orders (portfolio, created_ts)
    WHERE status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced');

-- What the broker booked that is no execution: the key is what makes it count once.
CREATE TABLE IF NOT EXISTS broker_activities (
    portfolio text NOT NULL,
    activity_id text NOT NULL,
    ts timestamptz NOT NULL,
    day date NOT NULL,
    type text NOT NULL,
    symbol text NOT NULL DEFAULT '',
    qty numeric NOT NULL DEFAULT 0,
    amount numeric NOT NULL DEFAULT 0,
    -- What was booked: money and units beyond what the ledger had reckoned for fills already.
    booked_amount numeric NOT NULL DEFAULT 0,
    booked_qty numeric NOT NULL DEFAULT 0,
    effect text NOT NULL CHECK (effect IN (
        'opening', 'dividend', 'interest', 'fee', 'deposit', 'withdrawal', 'adjustment', 'position',
        'informational', 'unrecognised')),
    description text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (portfolio, activity_id)
);
CREATE INDEX IF NOT EXISTS broker_activities_day ON broker_activities (portfolio, day, symbol);

CREATE TABLE IF NOT EXISTS reconciliations (
    id bigserial PRIMARY KEY,
    portfolio text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    trigger text NOT NULL CHECK (trigger IN ('start', 'continuous', 'manual', 'accepted')),
    epoch bigint NOT NULL DEFAULT 0,
    ok boolean NOT NULL,
    differences jsonb NOT NULL DEFAULT '[]',
    pending_executions integer NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS reconciliations_at ON reconciliations (portfolio, at DESC);
