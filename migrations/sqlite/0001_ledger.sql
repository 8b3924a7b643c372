-- Ground state: connection, place, outlet, variant, listing, link, inbox, inbox_body, inbox_waiting, sale, sale_line,
-- tender, movement, reading, web_reading, web_order, web_order_line, hold, push, exchange, feed, activity.
-- Derived from it: till_count, waiting, target, problem, search_term.
-- Times are microseconds UTC, ids are text, booleans 0 or 1, quantities whole units unless the name says milli.
-- Empty text and 0 stand for "not there": NULL binds differ between the two databases.

CREATE TABLE connection (
    id TEXT PRIMARY KEY,
    vendor TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('shop', 'till')),
    name TEXT NOT NULL,
    base_url TEXT NOT NULL,
    token_sealed TEXT NOT NULL DEFAULT '',
    notice_sealed TEXT NOT NULL DEFAULT '',
    key_hint TEXT NOT NULL DEFAULT '',
    paused_at BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE place (
    id TEXT PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connection (id),
    warehouse TEXT NOT NULL,
    name TEXT NOT NULL,
    archived BIGINT NOT NULL DEFAULT 0,
    live_since BIGINT NOT NULL DEFAULT 0,
    buffer BIGINT NOT NULL DEFAULT 0 CHECK (buffer >= 0),
    UNIQUE (connection, warehouse)
) WITHOUT ROWID;

CREATE TABLE outlet (
    id TEXT PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connection (id),
    outlet TEXT NOT NULL,
    name TEXT NOT NULL,
    zone TEXT NOT NULL DEFAULT '',
    currency TEXT NOT NULL DEFAULT '',
    archived BIGINT NOT NULL DEFAULT 0,
    registers BIGINT NOT NULL DEFAULT 0,
    place TEXT NOT NULL DEFAULT '',
    UNIQUE (connection, outlet)
) WITHOUT ROWID;
CREATE INDEX outlet_place ON outlet (place);

CREATE TABLE variant (
    id TEXT PRIMARY KEY,
    sku TEXT NOT NULL,
    item TEXT NOT NULL,
    barcode TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE listing (
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    style TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL,
    options TEXT NOT NULL DEFAULT '',
    sku TEXT NOT NULL,
    sku_key TEXT NOT NULL,
    barcode TEXT NOT NULL DEFAULT '',
    archived BIGINT NOT NULL DEFAULT 0,
    counted BIGINT NOT NULL DEFAULT 1,
    bundle BIGINT NOT NULL DEFAULT 0,
    price_fine BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 0,
    variant TEXT NOT NULL DEFAULT '',
    known_at BIGINT NOT NULL,
    PRIMARY KEY (connection, product)
) WITHOUT ROWID;
CREATE INDEX listing_variant ON listing (variant);
CREATE INDEX listing_sku ON listing (sku_key);

-- Every link ever made; ended ones keep their end.
CREATE TABLE link (
    variant TEXT NOT NULL,
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL DEFAULT 0,
    made_by TEXT NOT NULL,
    PRIMARY KEY (connection, product, from_at)
) WITHOUT ROWID;

-- Words that a search finds, normalised by us, searched by prefix.
CREATE TABLE search_term (
    term TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (term, kind, subject)
) WITHOUT ROWID;

CREATE TABLE inbox (
    id TEXT NOT NULL UNIQUE,
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('notice', 'sweep')),
    state TEXT NOT NULL CHECK (state IN ('done', 'older', 'parked')),
    reason TEXT NOT NULL DEFAULT '',
    received_at BIGINT NOT NULL,
    -- 1 once a notice told of it, before a sweep found it or after.
    told BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (connection, kind, external_id, version)
) WITHOUT ROWID;
CREATE INDEX inbox_parked ON inbox (received_at) WHERE state = 'parked';
CREATE INDEX inbox_untold ON inbox (received_at) WHERE told = 0 AND kind = 'sale';

-- Records of a crowd that are kept and answered, and not in the books yet.
CREATE TABLE inbox_waiting (
    connection TEXT NOT NULL,
    inbox TEXT NOT NULL,
    PRIMARY KEY (connection, inbox)
) WITHOUT ROWID;

-- Raw bodies may hold personal data; they lie apart and go after 90 days, found by their ids,
-- which begin with the time.
CREATE TABLE inbox_body (
    inbox TEXT PRIMARY KEY,
    raw TEXT NOT NULL
) WITHOUT ROWID;

-- Counts of notices per connection and hour; accepted, repeated, refused.
CREATE TABLE notice_count (
    connection TEXT NOT NULL,
    hour BIGINT NOT NULL,
    what TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (connection, hour, what)
) WITHOUT ROWID;

CREATE TABLE notice_refused (
    connection TEXT NOT NULL,
    status BIGINT NOT NULL,
    reason TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (connection, status, reason)
) WITHOUT ROWID;

CREATE TABLE sale (
    connection TEXT NOT NULL,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    outlet TEXT NOT NULL,
    register TEXT NOT NULL DEFAULT '',
    number TEXT NOT NULL DEFAULT '',
    happened_at BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    return_for TEXT NOT NULL DEFAULT '',
    source_type TEXT NOT NULL DEFAULT '',
    source_id TEXT NOT NULL DEFAULT '',
    total_fine BIGINT NOT NULL,
    tax_fine BIGINT NOT NULL,
    inbox TEXT NOT NULL,
    PRIMARY KEY (connection, document)
);
CREATE INDEX sale_number ON sale (number);
CREATE INDEX sale_return_for ON sale (connection, return_for) WHERE return_for <> '';
CREATE INDEX sale_day ON sale (connection, outlet, happened_at, state);

CREATE TABLE sale_line (
    connection TEXT NOT NULL,
    document TEXT NOT NULL,
    line TEXT NOT NULL,
    version BIGINT NOT NULL,
    product TEXT NOT NULL,
    units BIGINT NOT NULL,
    is_return BIGINT NOT NULL,
    unit_price_fine BIGINT NOT NULL,
    unit_discount_fine BIGINT NOT NULL,
    unit_tax_fine BIGINT NOT NULL,
    price_text TEXT NOT NULL,
    PRIMARY KEY (connection, document, line)
) WITHOUT ROWID;

CREATE TABLE tender (
    connection TEXT NOT NULL,
    document TEXT NOT NULL,
    position BIGINT NOT NULL,
    payment_type TEXT NOT NULL,
    name TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    amount_fine BIGINT NOT NULL,
    PRIMARY KEY (connection, document, position)
) WITHOUT ROWID;

-- The ledger. Only appended to. Units are signed as the till's count moves: a sale is negative.
-- `version` is the vendor's order of the change, `happened_at` the vendor's clock, `known_at` ours.
CREATE TABLE movement (
    connection TEXT NOT NULL,
    document TEXT NOT NULL,
    line TEXT NOT NULL,
    version BIGINT NOT NULL,
    product TEXT NOT NULL,
    outlet TEXT NOT NULL,
    units BIGINT NOT NULL CHECK (units <> 0),
    cause TEXT NOT NULL CHECK (cause IN ('sale', 'return', 'void', 'correction', 'unexplained')),
    happened_at BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    inbox TEXT NOT NULL,
    PRIMARY KEY (connection, document, line, version, product, outlet)
);
CREATE INDEX movement_product ON movement (connection, product, outlet, version);
CREATE INDEX movement_day ON movement (connection, outlet, happened_at, cause, units);

-- What a till said, when it changed. Append-only; thousandths of a unit.
CREATE TABLE reading (
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    outlet TEXT NOT NULL,
    version BIGINT NOT NULL,
    on_hand_milli BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    inbox TEXT NOT NULL,
    PRIMARY KEY (connection, product, outlet, version)
) WITHOUT ROWID;
CREATE INDEX reading_inbox ON reading (inbox);

-- What a shop said, when it changed. Append-only.
CREATE TABLE web_reading (
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    warehouse TEXT NOT NULL,
    known_at BIGINT NOT NULL,
    physical BIGINT NOT NULL,
    allocated BIGINT NOT NULL,
    sellable BIGINT NOT NULL,
    PRIMARY KEY (connection, product, warehouse, known_at)
) WITHOUT ROWID;

-- Derived: the newest reading and what the ledger says about it.
CREATE TABLE till_count (
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    outlet TEXT NOT NULL,
    known BIGINT NOT NULL,
    on_hand_milli BIGINT NOT NULL,
    units BIGINT NOT NULL,
    version BIGINT NOT NULL,
    as_of BIGINT NOT NULL,
    -- Movements ordered up to here were inside the first reading; they change nothing.
    base BIGINT NOT NULL,
    after_units BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    -- Rises among what is pending: a fall without its document must not hide them.
    risen BIGINT NOT NULL,
    -- Since when no more of it has been held back than now; 0 when nothing is pending.
    pending_since BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (connection, product, outlet)
) WITHOUT ROWID;
CREATE INDEX till_count_after ON till_count (connection) WHERE after_units <> 0 OR pending <> 0 OR risen <> 0;

CREATE TABLE web_order (
    connection TEXT NOT NULL,
    document TEXT NOT NULL,
    number TEXT NOT NULL,
    state TEXT NOT NULL,
    on_hold BIGINT NOT NULL,
    version BIGINT NOT NULL,
    placed_at BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    total_fine BIGINT NOT NULL,
    currency TEXT NOT NULL,
    -- Its first change by which we knew it as shipped; 0 when it has not left.
    left_by BIGINT NOT NULL DEFAULT 0,
    inbox TEXT NOT NULL,
    PRIMARY KEY (connection, document)
) WITHOUT ROWID;
CREATE INDEX web_order_number ON web_order (number);
CREATE INDEX web_order_left ON web_order (connection, document) WHERE left_by > 0;

-- Units of an order that the till's own count has not yet given up, per warehouse. Every version's lines replace
-- the last; `waiting` is the sum.
CREATE TABLE web_order_line (
    connection TEXT NOT NULL,
    document TEXT NOT NULL,
    line TEXT NOT NULL,
    warehouse TEXT NOT NULL,
    product TEXT NOT NULL,
    units BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    open BIGINT NOT NULL,
    unit_price_fine BIGINT NOT NULL,
    PRIMARY KEY (connection, document, line, warehouse)
) WITHOUT ROWID;
CREATE INDEX web_order_line_product ON web_order_line (connection, product, warehouse);

-- Derived: `units` the till has not given up, `open_units` those of them that the shop itself keeps back.
CREATE TABLE waiting (
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    warehouse TEXT NOT NULL,
    units BIGINT NOT NULL,
    open_units BIGINT NOT NULL,
    PRIMARY KEY (connection, product, warehouse)
) WITHOUT ROWID;

-- Units that came back and must not be sold before somebody decides.
CREATE TABLE hold (
    connection TEXT NOT NULL,
    document TEXT NOT NULL,
    line TEXT NOT NULL,
    product TEXT NOT NULL,
    outlet TEXT NOT NULL,
    units BIGINT NOT NULL CHECK (units >= 0),
    reason TEXT NOT NULL,
    number TEXT NOT NULL DEFAULT '',
    since BIGINT NOT NULL,
    released_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (connection, document, line)
) WITHOUT ROWID;
CREATE INDEX hold_open ON hold (connection, product) WHERE released_at = 0;

-- Derived but for the push columns: one row per variant and place.
CREATE TABLE target (
    variant TEXT NOT NULL,
    place TEXT NOT NULL,
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    warehouse TEXT NOT NULL,
    item TEXT NOT NULL,
    sku TEXT NOT NULL,
    price_fine BIGINT NOT NULL DEFAULT 0,
    till BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    hold BIGINT NOT NULL,
    buffer BIGINT NOT NULL,
    checking BIGINT NOT NULL,
    should BIGINT NOT NULL,
    floored BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    acknowledged BIGINT NOT NULL DEFAULT 0,
    confirmed BIGINT NOT NULL DEFAULT 0,
    -- The instant of the oldest change that no acknowledged push carries yet; 0 when none waits.
    cause_at BIGINT NOT NULL DEFAULT 0,
    computed_at BIGINT NOT NULL,
    web_known BIGINT NOT NULL DEFAULT 0,
    web_physical BIGINT NOT NULL DEFAULT 0,
    web_allocated BIGINT NOT NULL DEFAULT 0,
    web_sellable BIGINT NOT NULL DEFAULT 0,
    web_read_at BIGINT NOT NULL DEFAULT 0,
    -- 1 while nothing has happened since the reading that could have changed what the shop holds.
    web_fresh BIGINT NOT NULL DEFAULT 0,
    -- When something last happened that could have.
    web_stale_at BIGINT NOT NULL DEFAULT 0,
    difference BIGINT NOT NULL DEFAULT 0,
    differs_since BIGINT NOT NULL DEFAULT 0,
    push_state TEXT NOT NULL DEFAULT '',
    push_reason TEXT NOT NULL DEFAULT '',
    push_at BIGINT NOT NULL DEFAULT 0,
    attempt BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (variant, place)
) WITHOUT ROWID;
CREATE INDEX target_product ON target (connection, product, warehouse);
-- In the order in which they are sent: what falls first, then what waits longest.
CREATE INDEX target_due ON target (connection, next_at, (CASE WHEN should < web_sellable THEN 0 ELSE 1 END), cause_at)
    WHERE generation > acknowledged;
CREATE INDEX target_unconfirmed ON target (connection, push_at) WHERE acknowledged > confirmed;
CREATE INDEX target_differs ON target (difference) WHERE difference <> 0;
CREATE INDEX target_item ON target (item);
CREATE INDEX target_sku ON target (sku);

-- One row per intended write, made before the call.
CREATE TABLE push (
    id TEXT PRIMARY KEY,
    batch TEXT NOT NULL,
    variant TEXT NOT NULL,
    place TEXT NOT NULL,
    connection TEXT NOT NULL,
    product TEXT NOT NULL,
    warehouse TEXT NOT NULL,
    generation BIGINT NOT NULL,
    before BIGINT NOT NULL,
    should BIGINT NOT NULL,
    physical BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sent', 'accepted', 'confirmed', 'refused', 'throttled', 'unknown', 'failed')),
    reason TEXT NOT NULL DEFAULT '',
    cause_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    answered_at BIGINT NOT NULL DEFAULT 0,
    confirmed_at BIGINT NOT NULL DEFAULT 0,
    exchange TEXT NOT NULL DEFAULT '',
    -- Made by the database, so that pages count a day instead of reading it: the quarter of an hour of the answer,
    -- the delay since the cause (-1 where there is none), and that delay rounded up by at most a thirty-second of
    -- itself, or to a whole millisecond.
    quarter BIGINT GENERATED ALWAYS AS (answered_at / 900000000) STORED,
    delay BIGINT GENERATED ALWAYS AS (
        CASE WHEN cause_at = 0 OR answered_at = 0 THEN -1
             WHEN answered_at <= cause_at THEN 0
             ELSE answered_at - cause_at END) STORED,
    step BIGINT GENERATED ALWAYS AS (
        CASE WHEN cause_at = 0 OR answered_at = 0 THEN -1
             WHEN answered_at <= cause_at THEN 0
             WHEN answered_at - cause_at <= 128000 THEN (answered_at - cause_at + 999) / 1000 * 1000
             WHEN answered_at - cause_at <= 512000 THEN (answered_at - cause_at + 3999) / 4000 * 4000
             WHEN answered_at - cause_at <= 2048000 THEN (answered_at - cause_at + 15999) / 16000 * 16000
             WHEN answered_at - cause_at <= 8192000 THEN (answered_at - cause_at + 63999) / 64000 * 64000
             WHEN answered_at - cause_at <= 32768000 THEN (answered_at - cause_at + 255999) / 256000 * 256000
             WHEN answered_at - cause_at <= 131072000 THEN (answered_at - cause_at + 1023999) / 1024000 * 1024000
             WHEN answered_at - cause_at <= 524288000 THEN (answered_at - cause_at + 4095999) / 4096000 * 4096000
             WHEN answered_at - cause_at <= 2097152000 THEN (answered_at - cause_at + 16383999) / 16384000 * 16384000
             WHEN answered_at - cause_at <= 8388608000 THEN (answered_at - cause_at + 65535999) / 65536000 * 65536000
             WHEN answered_at - cause_at <= 33554432000 THEN (answered_at - cause_at + 262143999) / 262144000 * 262144000
             ELSE (answered_at - cause_at + 1048575999) / 1048576000 * 1048576000 END) STORED
);
CREATE INDEX push_variant ON push (variant, place, sent_at);
-- Led by the quarter, never by the state: a planner without statistics would take it for finding one write.
CREATE INDEX push_day ON push (quarter, state, step, delay) WHERE answered_at > 0;
CREATE INDEX push_open ON push (connection) WHERE state = 'sent';

-- Calls worth showing: every write, and every read that failed. 90 days; their ids begin with the time.
CREATE TABLE exchange (
    id TEXT PRIMARY KEY,
    connection TEXT NOT NULL,
    at BIGINT NOT NULL,
    took BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    request_line TEXT NOT NULL,
    status BIGINT NOT NULL,
    sent TEXT NOT NULL,
    received TEXT NOT NULL
) WITHOUT ROWID;

-- How far each feed of each connection has been read.
CREATE TABLE feed (
    connection TEXT NOT NULL,
    feed TEXT NOT NULL,
    cursor TEXT NOT NULL DEFAULT '',
    -- The vendor's order up to which nothing can be missing.
    as_of BIGINT NOT NULL DEFAULT 0,
    -- `as_of` of the first full pass: where our books begin.
    base BIGINT NOT NULL DEFAULT 0,
    -- When its first page was asked for, by our clock.
    began_at BIGINT NOT NULL DEFAULT 0,
    -- Where earlier passes ended, so that the next begins some way back.
    trail TEXT NOT NULL DEFAULT '',
    -- Everything recorded before this instant is known.
    read_up_to BIGINT NOT NULL DEFAULT 0,
    tried_at BIGINT NOT NULL DEFAULT 0,
    failing_since BIGINT NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (connection, feed)
) WITHOUT ROWID;

CREATE TABLE problem (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    team TEXT NOT NULL,
    title TEXT NOT NULL,
    why TEXT NOT NULL,
    money_minor BIGINT NOT NULL DEFAULT 0,
    currency TEXT NOT NULL DEFAULT '',
    waits TEXT NOT NULL DEFAULT '',
    actions TEXT NOT NULL DEFAULT '[]',
    opened_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT '',
    owner_name TEXT NOT NULL DEFAULT '',
    owner_since BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX problem_open ON problem (kind, subject) WHERE closed_at = 0;

-- Who did what. Chained: hash = H(previous, seq, at, actor, action, object, body_hash); bodies and salts lie apart
-- and can be erased without breaking the chain.
CREATE TABLE activity (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX activity_acts ON activity (action, object, at);
CREATE TABLE activity_body (
    seq BIGINT PRIMARY KEY,
    salt TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
