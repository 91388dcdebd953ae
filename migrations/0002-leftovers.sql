-- What a forced removal left in a data plane that could not be reached: its namespaces, to be deleted when it answers
-- again. Nobody's any more: node, credentials and quota are gone, and the pods in them are not charged to anybody.
create table leftovers (
  physical_name text primary key check (physical_name ~ '^t-[a-z2-7]{26}$'),
  cluster_id    uuid not null references clusters on delete cascade,
  -- Names as they were, for whoever reads the table.
  node          text not null,
  removed_at    timestamptz not null default now()
);
create index leftovers_by_cluster on leftovers (cluster_id);
