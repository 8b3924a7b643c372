-- Ground state: what came of the last test of a connection: each thing that was asked, and what the vendor said to it.

CREATE TABLE trial (
    connection TEXT   NOT NULL PRIMARY KEY,
    asked_at   BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    lines      TEXT   NOT NULL
);
