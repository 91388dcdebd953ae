import Type, { type Static } from 'typebox'

/** Versions of the agent face that this code speaks; agent and gateway need one in common. */
export const AGENT_PROTOCOL_VERSIONS: readonly number[] = [1]

/** The header that carries the writer's epoch on every write of an agent to the Kubernetes face, decimal. */
export const WRITER_EPOCH_HEADER = 'isthmus-writer-epoch'

/** One row of the ledger as the agent sees it: the tenant's quota or its node's capacity. */
export const SelfQuotaRow = Type.Object({
  scope: Type.Union([Type.Literal('tenant'), Type.Literal('node')]),
  /** Kubernetes' quota names: `pods`, `requests.cpu`, `limits.memory`, … */
  resource: Type.String(),
  /** A Kubernetes quantity, or `unlimited`. */
  hard: Type.String(),
  /** Used and reserved together, as a quantity. */
  used: Type.String(),
})
export type SelfQuotaRow = Static<typeof SelfQuotaRow>

/**
 * `GET /v1/self`: who the agent is and what its node may use. Carries an `ETag`; with `If-None-Match` and
 * `?wait=<seconds>` (at most 60) the answer is held back until it differs, then 304 when it did not.
 */
export const Self = Type.Object({
  /** Versions of the agent face that the gateway speaks. */
  protocolVersions: Type.Array(Type.Integer()),
  tenant: Type.Object({ id: Type.String(), name: Type.String(), suspended: Type.Boolean() }),
  node: Type.Object({
    id: Type.String(),
    name: Type.String(),
    /** What the Node object shows as `status.capacity`: `cpu`, `memory`, `pods`, `ephemeral-storage`, … */
    capacity: Type.Record(Type.String(), Type.String()),
  }),
  cluster: Type.Object({
    /** `flat`: pod addresses are the user's to see; `isolated`: hidden (agent-rules.md 42). */
    network: Type.Union([Type.Literal('flat'), Type.Literal('isolated')]),
    /** No new pods, running ones stay. */
    maintenance: Type.Boolean(),
    /** Whether the gateway reaches the data plane; when not, statuses may be old. */
    reachable: Type.Boolean(),
    /** `gitVersion` of the data plane, such as `v1.36.3`. */
    kubernetesVersion: Type.Optional(Type.String()),
    operatingSystem: Type.Optional(Type.String()),
    architecture: Type.Optional(Type.String()),
  }),
  quota: Type.Array(SelfQuotaRow),
  /** Epoch of the writer lease; 0 when it was never taken. */
  writer: Type.Object({
    epoch: Type.Integer(),
    instance: Type.Optional(Type.String()),
    expiresAt: Type.Optional(Type.String()),
  }),
})
export type Self = Static<typeof Self>

/** `POST /v1/writer-lease`: take it when free or expired. 409 `in_use` while another instance holds it. */
export const WriterLeaseRequest = Type.Object({
  /** Unique per process of an agent; the same instance again gets its lease back with the same epoch. */
  instance: Type.String({ minLength: 1, maxLength: 253 }),
})
export type WriterLeaseRequest = Static<typeof WriterLeaseRequest>

/**
 * The lease. `PUT /v1/writer-lease` with `{instance, epoch}` renews it (409 `stale_epoch` once another has taken
 * over), `DELETE /v1/writer-lease?instance=…&epoch=…` gives it back (204, idempotent).
 */
export const WriterLease = Type.Object({
  instance: Type.String(),
  /** Rises with every change of the holder. */
  epoch: Type.Integer({ minimum: 1 }),
  /** Seconds for which it is good from now. */
  durationSeconds: Type.Integer(),
  /** RFC 3339. */
  expiresAt: Type.String(),
})
export type WriterLease = Static<typeof WriterLease>

export const WriterLeaseRenewal = Type.Object({
  instance: Type.String({ minLength: 1, maxLength: 253 }),
  epoch: Type.Integer({ minimum: 1 }),
})
export type WriterLeaseRenewal = Static<typeof WriterLeaseRenewal>

/** `POST /v1/sessions`: what the stream is for; the ticket is bound to all of it. */
export const SessionRequest = Type.Object({
  verb: Type.Union([
    Type.Literal('exec'),
    Type.Literal('attach'),
    Type.Literal('log'),
    Type.Literal('portforward'),
  ]),
  /** The tenant's names. */
  namespace: Type.String(),
  pod: Type.String(),
  container: Type.Optional(Type.String()),
  /** For exec. */
  command: Type.Optional(Type.Array(Type.String())),
  stdin: Type.Optional(Type.Boolean()),
  stdout: Type.Optional(Type.Boolean()),
  stderr: Type.Optional(Type.Boolean()),
  tty: Type.Optional(Type.Boolean()),
  /** For log: PodLogOptions by their query names (`follow`, `tailLines`, `sinceSeconds`, …). */
  logOptions: Type.Optional(Type.Record(Type.String(), Type.String())),
})
export type SessionRequest = Static<typeof SessionRequest>

/**
 * The answer (201). The stream is `GET /v1/sessions/{id}/stream`, a WebSocket: exec and attach speak
 * `v5.channel.k8s.io`, port-forward `SPDY/3.1+portforward.k8s.io`, log `log.isthmus.dev` (binary messages of the
 * log's bytes). The ticket goes beside it in `Sec-WebSocket-Protocol` as
 * `base64url.bearer.authorization.k8s.io.<base64url of the ticket>`.
 */
export const SessionTicket = Type.Object({
  id: Type.String(),
  ticket: Type.String(),
  /** RFC 3339; seconds away. */
  expiresAt: Type.String(),
})
export type SessionTicket = Static<typeof SessionTicket>

/** Subprotocol of a followed log on a session's WebSocket. */
export const LOG_STREAM_PROTOCOL = 'log.isthmus.dev'
