-- +goose Up

-- Owner and admins are found without reading the members, who are many. The
-- literal is 'Member'; a query takes the index when it says the same.
CREATE INDEX members_managing ON members (gkey) WHERE role <> x'4d656d626572';
