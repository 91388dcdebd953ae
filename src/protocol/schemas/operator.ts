import Type, { type Static, type TSchema } from 'typebox'

/**
 * The operator face: `/v1/…` on a listener of its own. Objects carry an `ETag` (their revision); lists take
 * `limit` and `continue`. Objects are addressed by id or, where names are unique, by name.
 */

const NAME = { pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$', description: 'DNS-1123 label.' }
const Timestamp = Type.String({ format: 'date-time' })
const Text = Type.String({ maxLength: 1024 })
const Closed = { additionalProperties: false }

/** Kubernetes' quota names and quantities, such as `{"requests.cpu": "8"}`; `unlimited` counts without a limit. */
export const Amounts = Type.Record(
  Type.String({ minLength: 1, maxLength: 253 }),
  Type.String({ maxLength: 64 }),
)
export type Amounts = Static<typeof Amounts>

/** A page of a list. */
export const PageOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), continue: Type.Optional(Type.String()) })

export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    continue: Type.Optional(Type.String({ maxLength: 1024 })),
  },
  Closed,
)

export const Tenant = Type.Object({
  id: Type.String(),
  name: Type.String(),
  displayName: Type.String(),
  suspended: Type.Boolean(),
  /** Resources without a hard limit: refused, or counted without a limit. */
  otherResources: Type.Union([Type.Literal('refuse'), Type.Literal('unlimited')]),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type Tenant = Static<typeof Tenant>

export const TenantCreate = Type.Object(
  {
    name: Type.String(NAME),
    displayName: Type.Optional(Text),
    otherResources: Type.Optional(Tenant.properties.otherResources),
    /** The hard limits to begin with. */
    quota: Type.Optional(Amounts),
  },
  Closed,
)
export type TenantCreate = Static<typeof TenantCreate>

/** PATCH: what is absent stays. Suspending cuts every stream and refuses every token; what runs keeps running. */
export const TenantUpdate = Type.Object(
  {
    displayName: Type.Optional(Text),
    suspended: Type.Optional(Type.Boolean()),
    otherResources: Type.Optional(Tenant.properties.otherResources),
  },
  Closed,
)
export type TenantUpdate = Static<typeof TenantUpdate>

/** One row of the ledger. Over-committed when used and reserved are above hard: nothing new is admitted. */
export const QuotaRow = Type.Object({
  resource: Type.String(),
  /** A quantity, or `unlimited`. */
  hard: Type.String(),
  used: Type.String(),
  reserved: Type.String(),
  overCommitted: Type.Boolean(),
})
export type QuotaRow = Static<typeof QuotaRow>

/** `GET` and `PUT /v1/tenants/{tenant}/quota`. */
export const Quota = Type.Object({ tenant: Type.String(), rows: Type.Array(QuotaRow) })
export type Quota = Static<typeof Quota>

/** PUT replaces all hard limits; `PATCH` merges, with null to take one away. */
export const QuotaReplace = Type.Object({ hard: Amounts }, Closed)
export type QuotaReplace = Static<typeof QuotaReplace>
export const QuotaUpdate = Type.Object(
  {
    hard: Type.Record(
      Type.String({ maxLength: 253 }),
      Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    ),
  },
  Closed,
)
export type QuotaUpdate = Static<typeof QuotaUpdate>

const Network = Type.Union([Type.Literal('flat'), Type.Literal('isolated')])

export const Cluster = Type.Object({
  id: Type.String(),
  name: Type.String(),
  server: Type.String(),
  network: Network,
  maintenance: Type.Boolean(),
  /** Whether this replica reaches it now. */
  reachable: Type.Boolean(),
  kubernetesVersion: Type.String(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type Cluster = Static<typeof Cluster>

/** Either a kubeconfig (server, CA and credential inside it; no exec, no file paths), or server, ca and a credential. */
export const ClusterCreate = Type.Object(
  {
    name: Type.String(NAME),
    network: Type.Optional(Network),
    kubeconfig: Type.Optional(Type.String({ maxLength: 262_144 })),
    server: Type.Optional(Type.String({ maxLength: 2048 })),
    ca: Type.Optional(Type.String({ maxLength: 65_536 })),
    tlsServerName: Type.Optional(Type.String({ maxLength: 253 })),
    token: Type.Optional(Type.String({ maxLength: 65_536 })),
    clientCertificate: Type.Optional(Type.String({ maxLength: 65_536 })),
    clientKey: Type.Optional(Type.String({ maxLength: 65_536 })),
  },
  Closed,
)
export type ClusterCreate = Static<typeof ClusterCreate>

/** PATCH: a new credential or server is checked as at the registration before it is taken. */
export const ClusterUpdate = Type.Partial(Type.Omit(ClusterCreate, ['name']), Closed)
export const ClusterUpdateWithMaintenance = Type.Object(
  { ...ClusterUpdate.properties, maintenance: Type.Optional(Type.Boolean()) },
  Closed,
)
export type ClusterUpdate = Static<typeof ClusterUpdateWithMaintenance>

export const VirtualNode = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** Names of the tenant and the cluster that it is bound to. */
  tenant: Type.String(),
  cluster: Type.String(),
  capacity: Type.Array(QuotaRow),
  draining: Type.Boolean(),
  /** Whether an agent holds the writer lease now. */
  connected: Type.Boolean(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type VirtualNode = Static<typeof VirtualNode>

export const VirtualNodeCreate = Type.Object(
  {
    name: Type.String(NAME),
    /** Name or id. */
    tenant: Type.String(),
    cluster: Type.String(),
    /** Resources as on a Node: `cpu`, `memory`, `pods`, `ephemeral-storage`. */
    capacity: Amounts,
  },
  Closed,
)
export type VirtualNodeCreate = Static<typeof VirtualNodeCreate>

export const VirtualNodeUpdate = Type.Object({ capacity: Type.Optional(Amounts) }, Closed)
export type VirtualNodeUpdate = Static<typeof VirtualNodeUpdate>

const CredentialKind = Type.Union([Type.Literal('agent'), Type.Literal('client')])
const Access = Type.Union([Type.Literal('read-only'), Type.Literal('edit')])

export const Credential = Type.Object({
  /** The OAuth client_id. */
  id: Type.String(),
  node: Type.String(),
  nodeId: Type.String(),
  tenant: Type.String(),
  kind: CredentialKind,
  access: Access,
  description: Type.String(),
  revoked: Type.Boolean(),
  createdAt: Timestamp,
  lastUsedAt: Type.Optional(Timestamp),
})
export type Credential = Static<typeof Credential>

export const CredentialCreate = Type.Object(
  {
    /** Id of the virtual node, or `tenant/node`. */
    node: Type.String(),
    kind: Type.Optional(CredentialKind),
    access: Type.Optional(Access),
    description: Type.Optional(Text),
  },
  Closed,
)
export type CredentialCreate = Static<typeof CredentialCreate>

/** PATCH: what is absent stays. Less access ends what runs of it at once. */
export const CredentialUpdate = Type.Object(
  { access: Type.Optional(Access), description: Type.Optional(Text) },
  Closed,
)
export type CredentialUpdate = Static<typeof CredentialUpdate>

/** The answer to the creation alone: the secret is shown this once, and not in a replay of the same Idempotency-Key. */
export const CredentialCreated = Type.Object({
  ...Credential.properties,
  clientSecret: Type.Optional(Type.String()),
})
export type CredentialCreated = Static<typeof CredentialCreated>

export const SessionInfo = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  node: Type.String(),
  credentialId: Type.String(),
  verb: Type.String(),
  namespace: Type.String(),
  pod: Type.String(),
  container: Type.Optional(Type.String()),
  state: Type.Union([Type.Literal('ticket'), Type.Literal('open'), Type.Literal('ended')]),
  bytesIn: Type.Integer(),
  bytesOut: Type.Integer(),
  outcome: Type.Optional(Type.String()),
  createdAt: Timestamp,
  openedAt: Type.Optional(Timestamp),
  endedAt: Type.Optional(Timestamp),
})
export type SessionInfo = Static<typeof SessionInfo>

export const SessionQuery = Type.Object(
  {
    ...PageQuery.properties,
    tenant: Type.Optional(Type.String()),
    node: Type.Optional(Type.String()),
    /** Ended ones too. */
    all: Type.Optional(Type.Boolean()),
  },
  Closed,
)

/** `GET /v1/usage`: one item per tenant and resource. */
export const UsageItem = Type.Object({
  tenant: Type.String(),
  ...QuotaRow.properties,
  pods: Type.Optional(Type.Integer()),
})
export type UsageItem = Static<typeof UsageItem>

const Role = Type.Union([Type.Literal('admin'), Type.Literal('viewer'), Type.Literal('tenant-admin')])

export const Operator = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role: Role,
  /** Of a tenant-admin: the one tenant. */
  tenant: Type.Optional(Type.String()),
  expiresAt: Type.Optional(Timestamp),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type Operator = Static<typeof Operator>

export const OperatorCreate = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 253 }),
    role: Role,
    tenant: Type.Optional(Type.String()),
    /** Seconds from now; without it the token does not expire. */
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 60 })),
  },
  Closed,
)
export type OperatorCreate = Static<typeof OperatorCreate>

/** PATCH: what is absent stays; null lets the token live for ever. A change to or from tenant-admin needs, or drops, the tenant. */
export const OperatorUpdate = Type.Object(
  {
    name: Type.Optional(OperatorCreate.properties.name),
    role: Type.Optional(Role),
    tenant: OperatorCreate.properties.tenant,
    expiresInSeconds: Type.Optional(Type.Union([Type.Integer({ minimum: 60 }), Type.Null()])),
  },
  Closed,
)
export type OperatorUpdate = Static<typeof OperatorUpdate>

export const OperatorCreated = Type.Object({ ...Operator.properties, token: Type.Optional(Type.String()) })
export type OperatorCreated = Static<typeof OperatorCreated>

export const AuditItem = Type.Object({
  id: Type.String(),
  at: Timestamp,
  requestId: Type.String(),
  actor: Type.String(),
  tenant: Type.Optional(Type.String()),
  node: Type.Optional(Type.String()),
  verb: Type.String(),
  resource: Type.String(),
  namespace: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  outcome: Type.String(),
})
export type AuditItem = Static<typeof AuditItem>

/** The answer to a forced removal while a data plane was away: its namespaces are deleted when it answers again. */
export const RemovalReport = Type.Object({
  left: Type.Array(
    Type.Object({
      /** `tenant/node` */
      node: Type.String(),
      cluster: Type.String(),
      /** Names in the data plane. */
      namespaces: Type.Array(Type.String()),
      /** Pods that quota was charged for. */
      pods: Type.Integer(),
    }),
  ),
})
export type RemovalReport = Static<typeof RemovalReport>

/** How a tenant, node or cluster that still carries pods is deleted. */
export const DeleteQuery = Type.Object(
  {
    /** `drain`: no new pods, gone when the last one is; `force`: its pods are deleted now, or given up where their data plane is away. Without it: 409 `in_use`. */
    mode: Type.Optional(Type.Union([Type.Literal('drain'), Type.Literal('force')])),
  },
  Closed,
)
