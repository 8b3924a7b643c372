-- A count that falls to nothing or nearly nothing is written before any other, however many wait: the order in which
-- waiting counts are taken from the index.
DROP INDEX target_due;
CREATE INDEX target_due ON target (connection, next_at, (CASE WHEN web_known = 1 AND should >= web_sellable THEN 7 WHEN should < 6 THEN should ELSE 6 END), cause_at)
    WHERE generation > acknowledged;
