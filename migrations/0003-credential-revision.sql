-- Credentials can be changed (description, access), each change under the revision that was read. The use of one is no
-- change.
alter table credentials add column revision bigint not null default 1;
grant update (description, access, revision) on credentials to isthmus_tenant;
