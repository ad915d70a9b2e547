-- What a class leaves: graded submissions, and logs that links point to.
--
-- One text serves SQLite and PostgreSQL. Times are milliseconds since 1970 (UTC). What is large
-- stands last, where SQLite need not read past it.

CREATE TABLE submissions (
    id           TEXT   PRIMARY KEY,
    lab          TEXT   NOT NULL,
    student      TEXT   NOT NULL,
    -- 1 if the student's key came along, else 0.
    verified     BIGINT NOT NULL,
    -- SHA-256 of the log, in hexadecimal.
    log_hash     TEXT   NOT NULL,
    submitted_ms BIGINT NOT NULL,
    graded_ms    BIGINT NOT NULL,
    score        BIGINT NOT NULL,
    -- The grade as JSON.
    grade        TEXT   NOT NULL,
    -- The log's length.
    bytes        BIGINT NOT NULL,
    log          BYTEA  NOT NULL,
    UNIQUE (lab, student, log_hash)
);

CREATE INDEX submissions_by_time ON submissions (lab, submitted_ms);

CREATE TABLE links (
    -- SHA-256 of the log, in hexadecimal.
    id      TEXT   PRIMARY KEY,
    made_ms BIGINT NOT NULL,
    bytes   BIGINT NOT NULL,
    log     BYTEA  NOT NULL
);
