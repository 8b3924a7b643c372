-- People: accounts, their sessions, how often somebody guessed, and the code for the very first account.
-- Times are microseconds UTC, booleans 0/1, nothing is NULL.

CREATE TABLE account (
    id                  TEXT   NOT NULL PRIMARY KEY,
    name                TEXT   NOT NULL,
    -- The name as it is compared: trimmed, lower case.
    name_key            TEXT   NOT NULL UNIQUE,
    role                TEXT   NOT NULL,
    -- PHC string with its parameters.
    password_hash       TEXT   NOT NULL,
    -- system, light or dark.
    theme               TEXT   NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    -- IANA zone; empty means the installation's.
    zone                TEXT   NOT NULL DEFAULT '',
    disabled            BIGINT NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at          BIGINT NOT NULL,
    password_changed_at BIGINT NOT NULL
);

CREATE TABLE session (
    -- SHA-256 of the id in the cookie, so that a stolen database opens no session.
    id_hash    TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL DEFAULT '',
    data       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX session_person ON session (person);
CREATE INDEX session_seen ON session (seen_at);

-- Counters against guessing; they survive a restart. The key is "account:<hash>", "address:<ip>" or "everybody".
CREATE TABLE login_throttle (
    subject       TEXT   NOT NULL PRIMARY KEY,
    tries         BIGINT NOT NULL DEFAULT 0,
    window_start  BIGINT NOT NULL DEFAULT 0,
    blocked_until BIGINT NOT NULL DEFAULT 0,
    changed_at    BIGINT NOT NULL
);
CREATE INDEX login_throttle_changed ON login_throttle (changed_at);

-- At most one row: the code that makes the first administrator.
CREATE TABLE setup_code (
    id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    code_hash  TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
