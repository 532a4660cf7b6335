-- How long rows are kept. On TimescaleDB's community edition policies do it; elsewhere a task calls apply_retention.

CREATE TABLE retention_policies (
    table_name text PRIMARY KEY,
    time_column text NOT NULL,
    keep interval NOT NULL,
    enabled boolean NOT NULL DEFAULT true
);

-- Bars, decisions and the ledger are kept; what follows is bulky or passing.
INSERT INTO retention_policies (table_name, time_column, keep) VALUES
    ('quotes', 'ts', '90 days'),
    ('trades', 'ts', '90 days'),
    ('option_quotes', 'ts', '365 days'),
    ('options_flow', 'ts', '365 days'),
    ('predictions', 'ts', '3650 days');

-- Removes what is older than its policy, as seen from `reference`; returns rows (hypertables: chunks) removed.
CREATE FUNCTION apply_retention(reference timestamptz DEFAULT now())
RETURNS TABLE (policy_table text, removed bigint)
LANGUAGE plpgsql AS $$
DECLARE
    policy retention_policies%ROWTYPE;
    chunked boolean;
BEGIN
    FOR policy IN SELECT * FROM retention_policies WHERE enabled ORDER BY table_name LOOP
        chunked := EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb');
        IF chunked THEN
            EXECUTE 'SELECT EXISTS (SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = $1)'
                INTO chunked USING policy.table_name;
        END IF;
        IF chunked THEN
            EXECUTE 'SELECT count(*) FROM drop_chunks($1::regclass, older_than => $2)'
                INTO removed USING policy.table_name, reference - policy.keep;
        ELSE
            EXECUTE format('DELETE FROM %I WHERE %I < $1', policy.table_name, policy.time_column)
                USING reference - policy.keep;
            GET DIAGNOSTICS removed = ROW_COUNT;
        END IF;
        policy_table := policy.table_name;
        RETURN NEXT;
    END LOOP;
    DELETE FROM outbox WHERE published_at < reference - interval '7 days';
    GET DIAGNOSTICS removed = ROW_COUNT;
    policy_table := 'outbox';
    RETURN NEXT;
END $$;
