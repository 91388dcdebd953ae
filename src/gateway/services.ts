import { hkdfSync, randomUUID } from 'node:crypto'
import { createKubeClient, makeAddressGuard } from '../kube/client/index.ts'
import type { KubeTarget } from '../kube/client/types.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { makeSealer } from '../lib/seal.ts'
import { makeAuditLog } from './audit/index.ts'
import type { GatewayConfig } from './config.ts'
import { followDirectory } from './directory/index.ts'
import { makeLimits } from './limits/index.ts'
import { makeMetrics } from './plugins/metrics.ts'
import { parseReservedKeys } from './policy/index.ts'
import { type Reconciler, startReconciler } from './quota/index.ts'
import { makeSessionRegistry } from './sessions/index.ts'
import { postgresActivity } from './store/activity.ts'
import { postgresAudit } from './store/audit.ts'
import { postgresClusters } from './store/clusters.ts'
import { postgresCredentialSecrets, postgresCredentials } from './store/credentials.ts'
import type { Database } from './store/database.ts'
import { postgresDirectorySource } from './store/directory-source.ts'
import { postgresIdempotency } from './store/idempotency.ts'
import { postgresKeyStore } from './store/keys.ts'
import { postgresLedger } from './store/ledger.ts'
import { startMaintenance } from './store/maintenance.ts'
import { postgresNamespaces } from './store/namespaces.ts'
import { postgresNodes } from './store/nodes.ts'
import { postgresOperators } from './store/operators.ts'
import { postgresQuotaAdmin } from './store/quota-admin.ts'
import { postgresReconciliation } from './store/reconciliation.ts'
import { postgresSessions } from './store/sessions.ts'
import { postgresTenants } from './store/tenants.ts'
import { postgresWriterLeases } from './store/writer-leases.ts'
import { makeJwts, makeKeyring, makeTokenService } from './tokens/index.ts'
import { keepRoleBindings, makeUpstreams } from './upstream/index.ts'

export interface ServiceOptions {
  config: GatewayConfig
  /** The first encrypts, all decrypt. */
  masterKeys: readonly Uint8Array[]
  database: Database
  clock: Clock
  logger: Logger
}

export type Services = Awaited<ReturnType<typeof makeServices>>

/** Rotation of signing keys is looked at this often. */
const KEYS_MS = 60_000

/** Everything behind the faces, wired; the schema is migrated. @throws unavailable without a database */
export async function makeServices(options: ServiceOptions) {
  const { config, masterKeys, database, clock, logger } = options
  const replicaId = randomUUID()
  const sealer = makeSealer(masterKeys)
  const metrics = makeMetrics()
  const audit = makeAuditLog({ store: postgresAudit(database), clock, logger })
  const directory = await followDirectory({
    source: postgresDirectorySource(database, logger),
    clock,
    logger,
  })
  const keyring = await makeKeyring({ store: postgresKeyStore(database), sealer, clock, logger })
  const jwts = makeJwts(keyring, clock)
  const tokens = makeTokenService({
    directory,
    keyring,
    jwts,
    credentials: postgresCredentialSecrets(database),
    clock,
  })
  const sessions = makeSessionRegistry({
    replicaId,
    store: postgresSessions(database),
    directory,
    jwts,
    clock,
    logger,
    limits: { perNode: config.sessionsPerNode, idleMs: config.sessionIdle, longestMs: config.sessionLongest },
  })
  const limits = makeLimits({
    settings: {
      tokenPerSource: config.tokenRateSource,
      tokenPerCredential: config.tokenRateCredential,
      selfPolls: config.selfPolls,
      sessionsPerNode: config.sessionRate,
      kubePerTenant: config.kubeRate,
      kubeOpenPerTenant: config.kubeOpen,
    },
    clock,
    onRefuse: (limit) => metrics.limited.inc({ limit }),
  })
  const guard = makeAddressGuard({ allow: config.clusterAddresses })
  const createClient = (target: KubeTarget) =>
    createKubeClient(target, { userAgent: 'isthmus-gateway', guard })
  const upstreams = makeUpstreams({ directory, sealer, createClient, clock, logger })
  const quota = postgresLedger(database, { reservationMs: config.reservationAge })
  const namespaces = postgresNamespaces(database, directory)
  const reconciler: Reconciler = startReconciler({
    store: postgresReconciliation(database),
    ledger: quota,
    namespaces,
    directory,
    upstreams,
    drift: (kind) => metrics.drift.inc({ kind }),
    compareMs: config.reconcileInterval,
    clock,
    logger,
  })
  const roleBindings = keepRoleBindings({
    clusters: () => reconciler.clusters(),
    namespaces: (clusterId) =>
      directory
        .nodes()
        .filter((node) => node.clusterId === clusterId)
        .flatMap((node) => directory.namespacesOf(node.id).map(({ physicalName }) => physicalName)),
    client: (clusterId) => upstreams.client(clusterId),
    clock,
    logger,
  })
  const maintenance = startMaintenance({ database, clock, logger })

  const ignoreKeys = directory.onChange('signing-key', () => {
    keyring.reload().catch((error) => logger.warn({ err: error }, 'signing keys could not be read again'))
  })
  const keyTimer = setInterval(() => {
    keyring.maintain().catch((error) => logger.warn({ err: error }, 'signing keys could not be looked after'))
  }, KEYS_MS)
  keyTimer.unref()

  metrics.gauge('isthmus_sessions_open', 'Streams open on this replica.', () => sessions.count())
  metrics.gauge('isthmus_audit_dropped', 'Audit entries lost since the start.', () => audit.dropped())
  metrics.gauge(
    'isthmus_directory_stale_seconds',
    'Age of the directory’s copy when it can not be refreshed.',
    () => {
      const since = directory.staleSinceMs()
      return since === undefined ? 0 : (clock.now() - since) / 1000
    },
  )

  return {
    replicaId,
    config,
    clock,
    logger,
    sealer,
    metrics,
    audit,
    directory,
    keyring,
    tokens,
    sessions,
    limits,
    upstreams,
    createClient,
    quota,
    namespaces,
    reconciler,
    tenants: postgresTenants(database),
    quotaAdmin: postgresQuotaAdmin(database),
    clusters: postgresClusters(database),
    nodes: postgresNodes(database),
    leases: postgresWriterLeases(database),
    credentials: postgresCredentials(database),
    operators: postgresOperators(database),
    idempotency: postgresIdempotency(database),
    activity: postgresActivity(database),
    /** The same on every replica; other after a rotation of the master key, and then clients list again. */
    continueKey: new Uint8Array(
      hkdfSync('sha256', masterKeys[0] as Uint8Array, '', 'isthmus continue tokens', 32),
    ),
    defaultRequests: parsePairs(config.defaultRequests),
    reservedKeys: parseReservedKeys(config.reservedKeys),
    /** In the opposite order of their making. */
    async close() {
      clearInterval(keyTimer)
      ignoreKeys()
      await maintenance.close()
      await roleBindings.close()
      await reconciler.close()
      await sessions.close()
      await upstreams.close()
      await directory.close()
      await audit.close()
    },
  }
}

function parsePairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [resource = '', quantity = ''] = pair.split('=', 2)
      return [resource, quantity]
    }),
  )
}
