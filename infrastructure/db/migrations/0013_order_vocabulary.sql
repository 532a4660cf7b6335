-- Every order type and time in force that a venue may know; which of them are legal is the venue's matter.
ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_type_check;
ALTER TABLE orders ADD CONSTRAINT orders_type_check
    CHECK (type IN ('market', 'limit', 'stop', 'stop_limit', 'trailing_stop'));
ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_time_in_force_check;
ALTER TABLE orders ADD CONSTRAINT orders_time_in_force_check
    CHECK (time_in_force IN ('day', 'gtc', 'ioc', 'fok', 'opg', 'cls'));
