-- Trailing stops. Their distance is in `detail` (trail_price or trail_percent), and so is where the venue has moved
-- the stop to (trailed_stop), which takes the place of `stop_price`.
ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_type_check;
ALTER TABLE orders ADD CONSTRAINT orders_type_check
    CHECK (type IN ('market', 'limit', 'stop', 'stop_limit', 'trailing_stop'));
