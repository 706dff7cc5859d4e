-- +goose Up

-- The move of a data folder into this database. Until it is finished nobody
-- serves the database.
CREATE TABLE imports (
	one      boolean PRIMARY KEY DEFAULT true CHECK (one),
	id       text NOT NULL, -- stands in the data folder too
	began    timestamptz NOT NULL DEFAULT clock_timestamp(),
	finished timestamptz,
	progress bytea NOT NULL -- JSON: how far each table is
);
