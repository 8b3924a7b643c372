-- Ground state: mapping, owner. Read again from the vendors: master, master_list.

-- Ways to pay, taxes, stores and registers of each connection.
CREATE TABLE master (
    connection TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    code       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- The outlet of a register; what a store of a shop is.
    within     TEXT   NOT NULL,
    -- Millionths; -1 where it is not told.
    rate       BIGINT NOT NULL,
    life       TEXT   NOT NULL CHECK (life IN ('used', 'archived', 'gone')),
    seen       BIGINT NOT NULL,
    read_at    BIGINT NOT NULL,
    PRIMARY KEY (connection, kind, code)
);

-- How much of each of these lists is known.
CREATE TABLE master_list (
    connection TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    known      TEXT   NOT NULL CHECK (known IN ('untold', 'refused', 'seen', 'whole')),
    why        TEXT   NOT NULL,
    read_at    BIGINT NOT NULL,
    PRIMARY KEY (connection, kind)
);

-- What people decided: who is whose twin. `choice` is empty (open), 'none' (left out) or 'to:' with the till's code.
CREATE TABLE mapping (
    shop       TEXT   NOT NULL,
    till       TEXT   NOT NULL,
    topic      TEXT   NOT NULL,
    web        TEXT   NOT NULL,
    choice     TEXT   NOT NULL,
    -- What it was before that, who changed it and when.
    before     TEXT   NOT NULL,
    by_name    TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (shop, till, topic, web)
);

-- Who owns which part of an item, where somebody decided it.
CREATE TABLE owner (
    shop       TEXT   NOT NULL,
    till       TEXT   NOT NULL,
    part       TEXT   NOT NULL,
    side       TEXT   NOT NULL CHECK (side IN ('shop', 'till')),
    by_name    TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (shop, till, part)
);
