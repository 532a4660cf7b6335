-- A package of option legs has a net price: negative for a credit.
ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_limit_price_check;
ALTER TABLE orders ADD CONSTRAINT orders_limit_price_check CHECK (limit_price > 0 OR detail ? 'legs');
