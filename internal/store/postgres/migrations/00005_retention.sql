-- +goose Up

-- The size of the app's journal, by which its oldest events go, and the sequence
-- below which there is none any more: who looks for the oldest one need not go
-- through what was deleted and is not vacuumed yet.
ALTER TABLE heads ADD COLUMN bytes bigint NOT NULL DEFAULT 0, ADD COLUMN first bigint NOT NULL DEFAULT 1;
UPDATE heads h SET bytes = (SELECT coalesce(sum(octet_length(body) + octet_length(detail) + 160), 0)
	FROM events e WHERE e.app = h.app AND e.journal = h.journal);

-- As many rows go as come; their room is to be used again soon.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
