-- ratchet: autocommit
-- Compression, retention and continuous aggregates: the community licence only.

DO $$
DECLARE
    rollup text;
BEGIN
    FOREACH rollup IN ARRAY ARRAY['bars_1h', 'bars_1d'] LOOP
        IF EXISTS (SELECT 1 FROM pg_views WHERE schemaname = current_schema() AND viewname = rollup)
            AND NOT EXISTS (SELECT 1 FROM timescaledb_information.continuous_aggregates WHERE view_name = rollup)
        THEN
            EXECUTE format('DROP VIEW %I', rollup);
        END IF;
    END LOOP;
END $$;

ALTER TABLE bars SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, timeframe', timescaledb.compress_orderby = 'ts DESC');

SELECT add_compression_policy('bars', INTERVAL '30 days', if_not_exists => true);

ALTER TABLE quotes SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'ts DESC');

SELECT add_compression_policy('quotes', INTERVAL '7 days', if_not_exists => true);

ALTER TABLE trades SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'ts DESC');

SELECT add_compression_policy('trades', INTERVAL '7 days', if_not_exists => true);

ALTER TABLE option_quotes SET (timescaledb.compress, timescaledb.compress_segmentby = 'underlying', timescaledb.compress_orderby = 'ts DESC');

SELECT add_compression_policy('option_quotes', INTERVAL '14 days', if_not_exists => true);

SELECT add_retention_policy(table_name::regclass, keep, if_not_exists => true)
FROM retention_policies WHERE enabled;

CREATE MATERIALIZED VIEW IF NOT EXISTS bars_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol, asset_class, timeframe AS source_timeframe,
    time_bucket(INTERVAL '1 hour', ts) AS bucket,
    (array_agg(open ORDER BY ts))[1] AS open,
    max(high) AS high,
    min(low) AS low,
    (array_agg(close ORDER BY ts DESC))[1] AS close,
    sum(volume) AS volume,
    count(*) AS bars
FROM bars
WHERE timeframe IN ('1s', '1m', '5m', '15m', '30m', '1h')
GROUP BY symbol, asset_class, timeframe, time_bucket(INTERVAL '1 hour', ts)
WITH NO DATA;

-- No start offset: replays write years of history, which must be materialized too.
SELECT add_continuous_aggregate_policy('bars_1h', start_offset => NULL, end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour', if_not_exists => true);

CREATE MATERIALIZED VIEW IF NOT EXISTS bars_1d
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol, asset_class, timeframe AS source_timeframe,
    time_bucket(INTERVAL '1 day', ts) AS bucket,
    (array_agg(open ORDER BY ts))[1] AS open,
    max(high) AS high,
    min(low) AS low,
    (array_agg(close ORDER BY ts DESC))[1] AS close,
    sum(volume) AS volume,
    count(*) AS bars
FROM bars
WHERE timeframe IN ('1s', '1m', '5m', '15m', '30m', '1h', '4h', '1d')
GROUP BY symbol, asset_class, timeframe, time_bucket(INTERVAL '1 day', ts)
WITH NO DATA;

SELECT add_continuous_aggregate_policy('bars_1d', start_offset => NULL, end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '6 hours', if_not_exists => true);
