-- Chains, and what is kept beside them. Column names are those of the protocol's page; `epoch` of env,
-- entry and device could be computed from the chains. Nothing here opens anything.

CREATE TABLE ws       (ws BLOB PRIMARY KEY, w_seq INTEGER NOT NULL, w_hash BLOB NOT NULL,
                       rev INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE wlink    (ws BLOB NOT NULL REFERENCES ws, seq INTEGER NOT NULL, hash BLOB NOT NULL,
                       signed BLOB NOT NULL, at INTEGER NOT NULL,
                       PRIMARY KEY (ws, seq), UNIQUE (ws, hash)) STRICT, WITHOUT ROWID;

CREATE TABLE env      (ws BLOB NOT NULL REFERENCES ws, env BLOB NOT NULL, seq INTEGER NOT NULL,
                       hash BLOB NOT NULL, epoch INTEGER NOT NULL,
                       PRIMARY KEY (ws, env)) STRICT, WITHOUT ROWID;

CREATE TABLE ecommit  (ws BLOB NOT NULL, env BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
                       signed BLOB NOT NULL, at INTEGER NOT NULL,
                       PRIMARY KEY (ws, env, seq), UNIQUE (ws, env, hash),
                       FOREIGN KEY (ws, env) REFERENCES env) STRICT, WITHOUT ROWID;

-- The state of each environment. No slot: deleted.
CREATE TABLE entry    (ws BLOB NOT NULL, env BLOB NOT NULL, rid BLOB NOT NULL, ver INTEGER NOT NULL,
                       rec BLOB NOT NULL, slot BLOB,
                       PRIMARY KEY (ws, env, rid),
                       FOREIGN KEY (ws, env) REFERENCES env) STRICT, WITHOUT ROWID;

CREATE TABLE record   (ws BLOB NOT NULL, env BLOB NOT NULL, rid BLOB NOT NULL, ver INTEGER NOT NULL,
                       hash BLOB NOT NULL, signed BLOB NOT NULL, meta BLOB, value BLOB,
                       PRIMARY KEY (ws, env, rid, ver),
                       FOREIGN KEY (ws, env) REFERENCES env) STRICT;

CREATE TABLE slot     (ws BLOB NOT NULL, env BLOB NOT NULL, rid BLOB NOT NULL, ver INTEGER NOT NULL,
                       epoch INTEGER NOT NULL, body BLOB NOT NULL, drop_after INTEGER,
                       PRIMARY KEY (ws, env, rid, ver, epoch),
                       FOREIGN KEY (ws, env) REFERENCES env) STRICT;
CREATE INDEX slot_in_force ON slot (ws, env, epoch) WHERE drop_after IS NULL;
CREATE INDEX slot_to_drop ON slot (drop_after) WHERE drop_after IS NOT NULL;

CREATE TABLE envelope (ws BLOB NOT NULL, env BLOB NOT NULL, epoch INTEGER NOT NULL, dev BLOB NOT NULL,
                       by_dev BLOB NOT NULL, rev INTEGER NOT NULL, signed BLOB NOT NULL,
                       PRIMARY KEY (ws, env, epoch, dev, by_dev),
                       FOREIGN KEY (ws, env) REFERENCES env) STRICT;
CREATE UNIQUE INDEX envelope_of_device ON envelope (ws, dev, rev);

CREATE TABLE device   (ws BLOB NOT NULL REFERENCES ws, dev BLOB NOT NULL, ed BLOB NOT NULL,
                       live INTEGER NOT NULL,
                       PRIMARY KEY (ws, dev)) STRICT, WITHOUT ROWID;

CREATE TABLE lease    (ws BLOB PRIMARY KEY REFERENCES ws, dev BLOB NOT NULL, until INTEGER NOT NULL) STRICT;
