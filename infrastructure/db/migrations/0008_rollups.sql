-- Hourly and daily bars from finer ones, as plain views; the community licence of TimescaleDB replaces them by
-- continuous aggregates of the same names and columns.

CREATE VIEW bars_1h AS
SELECT symbol, asset_class, timeframe AS source_timeframe,
    date_bin('1 hour', ts, timestamptz '2000-01-01 00:00+00') AS bucket,
    (array_agg(open ORDER BY ts))[1] AS open,
    max(high) AS high,
    min(low) AS low,
    (array_agg(close ORDER BY ts DESC))[1] AS close,
    sum(volume) AS volume,
    count(*) AS bars
FROM bars
WHERE timeframe IN ('1s', '1m', '5m', '15m', '30m', '1h')
GROUP BY symbol, asset_class, timeframe, date_bin('1 hour', ts, timestamptz '2000-01-01 00:00+00');

CREATE VIEW bars_1d AS
SELECT symbol, asset_class, timeframe AS source_timeframe,
    date_bin('1 day', ts, timestamptz '2000-01-01 00:00+00') AS bucket,
    (array_agg(open ORDER BY ts))[1] AS open,
    max(high) AS high,
    min(low) AS low,
    (array_agg(close ORDER BY ts DESC))[1] AS close,
    sum(volume) AS volume,
    count(*) AS bars
FROM bars
WHERE timeframe IN ('1s', '1m', '5m', '15m', '30m', '1h', '4h', '1d')
GROUP BY symbol, asset_class, timeframe, date_bin('1 day', ts, timestamptz '2000-01-01 00:00+00');
