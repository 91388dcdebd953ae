-- The spine: tenants, their virtual nodes and namespaces, the data planes, the quota ledger, sessions, keys and audit.
--
-- Amounts are numeric(30,0) in thousandths of a resource's unit (cpu 1 = 1000, memory 1 byte = 1000): exact
-- integers, wide enough for exabytes of memory.
--
-- Row-level security is the second wall (design.md §3): whatever is done for a tenant runs as the role
-- isthmus_tenant with the setting isthmus.tenant, see src/gateway/store/scope.ts. The application's own role
-- owns the tables and is not confined by the policies.

do $$
begin
  create role isthmus_tenant nologin;
exception
  -- Roles belong to the whole server: another database of it may have made ours, also at this very moment.
  when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
  if not pg_has_role(current_user, 'isthmus_tenant', 'set') then
    execute format('grant isthmus_tenant to %I with set true', current_user);
  end if;
end
$$;

create table tenants (
  id            uuid primary key default gen_random_uuid(),
  name          text not null unique check (name ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
  display_name  text not null default '',
  suspended     boolean not null default false,
  -- What happens to a resource that no hard limit names: refused, or counted without a limit.
  quota_others  text not null default 'refuse' check (quota_others in ('refuse', 'unlimited')),
  -- Gone once its last node is.
  deleting      boolean not null default false,
  revision      bigint not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);

create table clusters (
  id                uuid primary key default gen_random_uuid(),
  name              text not null unique check (name ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
  server            text not null,
  ca                text,
  tls_server_name   text,
  network           text not null default 'isolated' check (network in ('flat', 'isolated')),
  maintenance       boolean not null default false,
  kubernetes_version text not null default '',
  -- Token or client certificate and key, sealed with a master key (src/gateway/store/seal.ts).
  sealed_credential bytea not null,
  deleting          boolean not null default false,
  revision          bigint not null default 1,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now()
);

create table nodes (
  id            uuid primary key default gen_random_uuid(),
  tenant_id     uuid not null references tenants,
  cluster_id    uuid not null references clusters,
  name          text not null check (name ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
  -- What the Node object shows: { cpu: "4", memory: "8Gi", pods: "50" }. Its quota rows are in the ledger.
  capacity      jsonb not null default '{}',
  -- Rises with each change of the holder of the writer's lease; outlives the lease.
  writer_epoch  bigint not null default 0,
  -- Being removed: drain waits for its pods, force deletes them. Admits nothing new.
  deleting      text check (deleting in ('drain', 'force')),
  revision      bigint not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  unique (tenant_id, name)
);
create index nodes_by_cluster on nodes (cluster_id);

-- Who holds the writer's lease of a virtual node (agent-rules.md 27). The epoch is in nodes, which outlives it.
create table writer_leases (
  node_id       uuid primary key references nodes on delete cascade,
  tenant_id     uuid not null references tenants,
  credential_id uuid not null,
  holder        text not null,
  epoch         bigint not null,
  expires_at    timestamptz not null
);

create table credentials (
  id            uuid primary key default gen_random_uuid(),
  node_id       uuid not null references nodes on delete cascade,
  tenant_id     uuid not null references tenants,
  kind          text not null check (kind in ('agent', 'client')),
  access        text not null check (access in ('read-only', 'edit')),
  description   text not null default '',
  -- SHA-256 of 32 random bytes: with 256 bits of entropy a slow hash would add nothing but load.
  secret_hash   bytea not null,
  -- At most two valid agent credentials per node, so that they can be changed without a gap: each holds a slot.
  slot          smallint check (slot in (1, 2)),
  revoked_at    timestamptz,
  last_used_at  timestamptz,
  created_at    timestamptz not null default now(),
  check (kind <> 'agent' or slot is not null or revoked_at is not null)
);
create unique index credentials_agent_slots on credentials (node_id, slot)
  where kind = 'agent' and revoked_at is null;
create index credentials_by_node on credentials (node_id);

create table namespaces (
  node_id       uuid not null references nodes,
  tenant_id     uuid not null references tenants,
  name          text not null check (name ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
  -- Opaque, never parsed back; unique over all tenants and clusters.
  physical_name text not null unique check (physical_name ~ '^t-[a-z2-7]{26}$'),
  created_at    timestamptz not null default now(),
  primary key (node_id, name)
);

-- Quota and capacity are rows of the same kind. Only the reserving statement compares with hard; a lowered limit
-- may leave a row over-committed, which is shown and admits nothing new. hard null and not unlimited: refused.
create table ledger (
  owner_kind    text not null check (owner_kind in ('tenant', 'node')),
  owner_id      uuid not null,
  tenant_id     uuid not null references tenants on delete cascade,
  resource      text not null check (length(resource) between 1 and 253),
  hard          numeric(30, 0) check (hard >= 0),
  unlimited     boolean not null default false,
  used          numeric(30, 0) not null default 0 check (used >= 0),
  reserved      numeric(30, 0) not null default 0 check (reserved >= 0),
  -- No limit was given for it; unlimited follows the tenant's quota_others.
  implied       boolean not null default false,
  primary key (owner_kind, owner_id, resource),
  check (not (unlimited and hard is not null))
);

create table reservations (
  id                 uuid primary key,
  tenant_id          uuid not null references tenants,
  node_id            uuid not null references nodes,
  cluster_id         uuid not null references clusters,
  namespace          text not null,
  physical_namespace text not null,
  name               text not null,
  state              text not null default 'reserved' check (state in ('reserved', 'committed')),
  -- Of the object in the data plane; known once committed.
  uid                text,
  -- { resource: amount in thousandths, as a string }
  amounts            jsonb not null,
  created_at         timestamptz not null default now(),
  -- Takes effect only after a GET says that the object is absent.
  expires_at         timestamptz not null
);
create index reservations_by_node on reservations (node_id);
create index reservations_by_cluster on reservations (cluster_id, physical_namespace, name);
create index reservations_expiring on reservations (expires_at) where state = 'reserved';

create table replicas (
  id            uuid primary key,
  started_at    timestamptz not null default now(),
  heartbeat_at  timestamptz not null default now()
);

create table sessions (
  id            uuid primary key,
  tenant_id     uuid not null references tenants on delete cascade,
  node_id       uuid not null references nodes on delete cascade,
  credential_id uuid not null,
  verb          text not null check (verb in ('exec', 'attach', 'log', 'portforward')),
  namespace     text not null,
  pod           text not null,
  container     text,
  -- The whole target that a ticket is bound to.
  target        jsonb not null,
  state         text not null check (state in ('ticket', 'open', 'ended')),
  -- Of a ticket: its jti and when it stops to open anything. The principal's token's expiry is kept for the stream.
  ticket_jti    text,
  ticket_expires_at timestamptz,
  token_expires_at  timestamptz not null,
  replica_id    uuid,
  bytes_in      bigint not null default 0,
  bytes_out     bigint not null default 0,
  killed_at     timestamptz,
  outcome       text,
  created_at    timestamptz not null default now(),
  opened_at     timestamptz,
  ended_at      timestamptz
);
create index sessions_live on sessions (node_id) where state <> 'ended';
create index sessions_by_replica on sessions (replica_id) where state = 'open';
create index sessions_by_creation on sessions (created_at, id);

create table operators (
  id            uuid primary key default gen_random_uuid(),
  name          text not null unique check (length(name) between 1 and 253),
  role          text not null check (role in ('admin', 'viewer', 'tenant-admin')),
  tenant_id     uuid references tenants on delete cascade,
  token_hash    bytea not null unique,
  expires_at    timestamptz,
  revision      bigint not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  check ((role = 'tenant-admin') = (tenant_id is not null))
);

create table idempotency_keys (
  operator_id   uuid not null references operators on delete cascade,
  key           text not null check (length(key) between 1 and 255),
  -- SHA-256 of method, path and body: the same key with another request is refused.
  fingerprint   bytea not null,
  -- Null while the first request is at work.
  status        integer,
  -- The answer without any secret.
  response      jsonb,
  created_at    timestamptz not null default now(),
  primary key (operator_id, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

create table signing_keys (
  kid           text primary key,
  public_jwk    jsonb not null,
  -- The private JWK, sealed with a master key.
  sealed_private bytea not null,
  -- Signs from here on; in the key set from creation on, so that every replica knows it before it is used.
  active_at     timestamptz not null,
  -- Verifies until here; null while it is the newest.
  retired_at    timestamptz,
  created_at    timestamptz not null default now()
);

create table audit (
  id            bigint generated always as identity primary key,
  at            timestamptz not null default now(),
  request_id    text not null,
  actor         text not null,
  tenant_id     uuid,
  node_id       uuid,
  verb          text not null,
  resource      text not null,
  namespace     text,
  name          text,
  outcome       text not null
);
create index audit_by_tenant on audit (tenant_id, id);
create index audit_by_time on audit using brin (at);

-- The change feed: what the directory of every replica follows. A row says that something with this key changed;
-- the reader reads the record again. xid lets it re-read everything that a transaction older than the snapshot's
-- horizon may still commit, so that commits out of order are never missed (src/gateway/store/changes.ts).
create table changes (
  id            bigint generated always as identity primary key,
  xid           xid8 not null default pg_current_xact_id(),
  kind          text not null,
  key           text not null,
  at            timestamptz not null default now()
);
create index changes_by_xid on changes (xid);
create index changes_by_time on changes using brin (at);

create function note_change() returns trigger language plpgsql
  security definer set search_path = public, pg_temp as $$
declare
  row jsonb := to_jsonb(coalesce(new, old));
begin
  insert into changes (kind, key) values (tg_argv[0], row ->> tg_argv[1]);
  -- A wake-up without content. Never in the quota's transactions and not for new namespaces, which are made often:
  -- NOTIFY takes a lock over the whole server at commit. The one-second poll catches what it does not wake for.
  if tg_argv[2] = 'wake' then
    perform pg_notify('isthmus_changes', '');
  end if;
  return null;
end
$$;

create trigger note_tenant after insert or update or delete on tenants
  for each row execute function note_change('tenant', 'id', 'wake');
create trigger note_cluster after insert or update or delete on clusters
  for each row execute function note_change('cluster', 'id', 'wake');
create trigger note_node after insert or update or delete on nodes
  for each row execute function note_change('node', 'id', 'wake');
create trigger note_credential after insert or delete or update of revoked_at, access on credentials
  for each row execute function note_change('credential', 'id', 'wake');
create trigger note_namespace after insert or update on namespaces
  for each row execute function note_change('namespace', 'physical_name', 'quiet');
-- A replica that still has a mapping which is gone would use it: wake it.
create trigger note_namespace_gone after delete on namespaces
  for each row execute function note_change('namespace', 'physical_name', 'wake');
create trigger note_signing_key after insert or update or delete on signing_keys
  for each row execute function note_change('signing-key', 'kid', 'wake');
create trigger note_session_killed after update of killed_at on sessions
  for each row when (old.killed_at is null and new.killed_at is not null)
  execute function note_change('session-killed', 'id', 'wake');

-- The second wall. current_setting(…, true) is null outside a scope, and then no row fits.
create function scoped_tenant() returns uuid language sql stable as $$
  select nullif(current_setting('isthmus.tenant', true), '')::uuid
$$;

do $$
declare
  name text;
begin
  foreach name in array array['nodes', 'writer_leases', 'credentials', 'namespaces', 'ledger', 'reservations', 'sessions', 'audit']
  loop
    execute format('alter table %I enable row level security', name);
    execute format(
      'create policy own_tenant on %I to isthmus_tenant using (tenant_id = scoped_tenant()) with check (tenant_id = scoped_tenant())',
      name
    );
  end loop;
end
$$;
alter table tenants enable row level security;
create policy own_tenant on tenants to isthmus_tenant using (id = scoped_tenant());

-- What is done for a tenant needs no more than this; hard limits, clusters, keys and operators are out of reach.
grant select on tenants, credentials, nodes to isthmus_tenant;
grant update (writer_epoch) on nodes to isthmus_tenant;
grant insert on credentials to isthmus_tenant;
grant update (last_used_at, revoked_at) on credentials to isthmus_tenant;
grant select on audit to isthmus_tenant;
grant select (id, name, network, maintenance) on clusters to isthmus_tenant;
grant select, insert, update, delete on namespaces, reservations, sessions, writer_leases to isthmus_tenant;
grant select, insert on ledger to isthmus_tenant;
grant update (used, reserved) on ledger to isthmus_tenant;
