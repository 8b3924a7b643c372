-- Derived: the older part of a count's unexplained change, which has waited since `pending_since`, and when the last of the
-- younger part was added.

ALTER TABLE till_count ADD COLUMN pending_old BIGINT NOT NULL DEFAULT 0;
ALTER TABLE till_count ADD COLUMN risen_old BIGINT NOT NULL DEFAULT 0;
ALTER TABLE till_count ADD COLUMN young_since BIGINT NOT NULL DEFAULT 0;
