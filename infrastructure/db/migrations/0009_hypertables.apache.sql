-- ratchet: autocommit
-- Time tables become hypertables; every statement can be repeated.

CREATE EXTENSION IF NOT EXISTS timescaledb;

SELECT create_hypertable('bars', by_range('ts', INTERVAL '30 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('bar_quarantine', by_range('ts', INTERVAL '90 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('data_quality', by_range('ts', INTERVAL '90 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('quotes', by_range('ts', INTERVAL '1 day'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('trades', by_range('ts', INTERVAL '1 day'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('option_quotes', by_range('ts', INTERVAL '7 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('leading_indicators', by_range('ts', INTERVAL '365 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('social_sentiment', by_range('ts', INTERVAL '30 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('options_flow', by_range('ts', INTERVAL '30 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('signals', by_range('ts', INTERVAL '90 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('predictions', by_range('ts', INTERVAL '90 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('risk_decisions', by_range('ts', INTERVAL '90 days'), if_not_exists => true, migrate_data => true);

SELECT create_hypertable('portfolio_snapshots', by_range('ts', INTERVAL '90 days'), if_not_exists => true, migrate_data => true);
