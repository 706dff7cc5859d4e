-- +goose Up

-- Owner and admins are found without reading the members, who are many.
CREATE INDEX members_managing ON members (app, gkey, ord) WHERE role <> 'Member';
