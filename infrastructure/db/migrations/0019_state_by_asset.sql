-- What the trader remembers of every asset (marks, their times, traded notional) as packed columns, beside the
-- state that changes with each commit: it is written only when bars have changed it. Packed numbers do not shrink.
ALTER TABLE execution_state ADD COLUMN IF NOT EXISTS by_asset json NOT NULL DEFAULT '{}';
ALTER TABLE execution_state ALTER COLUMN by_asset SET STORAGE EXTERNAL;
