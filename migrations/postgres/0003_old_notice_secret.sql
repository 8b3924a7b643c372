-- Ground state: the secret that a connection's notices were signed with before it was changed. Its vendor may use it
-- for a while yet, so it counts until then; sealed like the others.

CREATE TABLE old_notice_secret (
    connection TEXT   NOT NULL PRIMARY KEY,
    sealed     TEXT   NOT NULL,
    until      BIGINT NOT NULL
);
