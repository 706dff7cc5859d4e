-- +goose Up

-- The size of the app's journal, by which its oldest events go.
ALTER TABLE heads ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE heads SET bytes = (SELECT coalesce(sum(length(body) + length(detail) + 160), 0) FROM events e WHERE e.app = heads.app);
