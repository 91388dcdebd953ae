import { isNetwork } from '../lib/network.ts'
import {
  type ReadSettings,
  readSettings,
  type SettingSources,
  SettingsError,
  setting,
  type Values,
} from '../lib/settings.ts'

/** Every setting of `isthmus gateway`. */
export const gatewaySettings = {
  databaseUrl: setting.text({
    flag: 'database-url',
    env: 'DATABASE_URL',
    description:
      'Connection string of PostgreSQL (16 or newer). Left out with `--dev`, which brings its own.',
    optional: true,
    secret: true,
  }),
  dev: setting.boolean({
    flag: 'dev',
    env: 'ISTHMUS_DEV',
    description:
      'For a laptop: an embedded PostgreSQL, a master key and a CA with a certificate, all made in the data directory and kept there.',
    default: false,
  }),
  dataDir: setting.path({
    flag: 'data-dir',
    env: 'ISTHMUS_DATA_DIR',
    description: 'Where `--dev` keeps its rows, key and certificates.',
    default: '.isthmus',
  }),
  masterKeys: setting.list({
    flag: 'master-keys',
    env: 'ISTHMUS_MASTER_KEYS',
    description:
      'Master keys (32 bytes each, base64), comma-separated: the first encrypts, all decrypt. Made by `openssl rand -base64 32`.',
    optional: true,
    secret: true,
  }),
  masterKeyFile: setting.path({
    flag: 'master-key-file',
    env: 'ISTHMUS_MASTER_KEY_FILE',
    description: 'A file with the master keys instead, one base64 line each.',
    optional: true,
  }),
  publicHost: setting.text({
    flag: 'host',
    env: 'ISTHMUS_HOST',
    description: 'Address that the public listener binds: Kubernetes, token and agent faces.',
    default: '0.0.0.0',
  }),
  publicPort: setting.integer(
    {
      flag: 'port',
      env: 'ISTHMUS_PORT',
      description: 'Port of the public listener; 0 takes a free one.',
      default: 8443,
    },
    { min: 0, max: 65_535 },
  ),
  publicUrl: setting.text({
    flag: 'public-url',
    env: 'ISTHMUS_PUBLIC_URL',
    description: 'How clients reach the public listener, if not by its own address (behind a load balancer).',
    optional: true,
  }),
  operatorHost: setting.text({
    flag: 'operator-host',
    env: 'ISTHMUS_OPERATOR_HOST',
    description: 'Address that the operator listener binds: operator face, /metrics. Loopback unless told.',
    default: '127.0.0.1',
  }),
  operatorPort: setting.integer(
    {
      flag: 'operator-port',
      env: 'ISTHMUS_OPERATOR_PORT',
      description: 'Port of the operator listener; 0 takes a free one.',
      default: 8444,
    },
    { min: 0, max: 65_535 },
  ),
  tlsCert: setting.path({
    flag: 'tls-cert',
    env: 'ISTHMUS_TLS_CERT',
    description: 'PEM certificate chain of both listeners; read again when the file changes.',
    optional: true,
  }),
  tlsKey: setting.path({
    flag: 'tls-key',
    env: 'ISTHMUS_TLS_KEY',
    description: 'PEM key of the certificate.',
    optional: true,
  }),
  tlsNames: setting.list({
    flag: 'tls-names',
    env: 'ISTHMUS_TLS_NAMES',
    description:
      'Names and addresses in the certificate that `--dev` makes, besides localhost and its addresses.',
    default: [],
  }),
  insecureHttp: setting.boolean({
    flag: 'insecure-http',
    env: 'ISTHMUS_INSECURE_HTTP',
    description:
      'Serve plain HTTP, for a proxy in front that does TLS. kubectl sends no credentials over plain HTTP.',
    default: false,
  }),
  clusterAddresses: setting.list({
    flag: 'cluster-addresses',
    env: 'ISTHMUS_CLUSTER_ADDRESSES',
    description:
      'Addresses and networks (`127.0.0.0/8`), comma-separated, that a data plane may have though they are refused otherwise: link-local and metadata addresses always, loopback where a name other than localhost resolves to it. Looked at on every connect.',
    default: [],
  }),
  metricsToken: setting.text({
    flag: 'metrics-token',
    env: 'ISTHMUS_METRICS_TOKEN',
    description:
      'Bearer token for /metrics on the operator listener; without it any operator token of role viewer or admin is asked for when the listener is not on loopback.',
    optional: true,
    secret: true,
  }),
  drainGrace: setting.duration({
    flag: 'drain-grace',
    env: 'ISTHMUS_DRAIN_GRACE',
    description: 'On SIGTERM: how long open streams are given before they are closed.',
    default: 10_000,
  }),
  sessionsPerNode: setting.integer(
    {
      flag: 'sessions-per-node',
      env: 'ISTHMUS_SESSIONS_PER_NODE',
      description: 'Exec, attach, log-follow and port-forward streams of one virtual node at a time.',
      default: 500,
    },
    { min: 1, max: 100_000 },
  ),
  sessionIdle: setting.duration({
    flag: 'session-idle',
    env: 'ISTHMUS_SESSION_IDLE',
    description: 'A stream without a byte for so long is ended.',
    default: 14_400_000,
  }),
  sessionLongest: setting.duration({
    flag: 'session-longest',
    env: 'ISTHMUS_SESSION_LONGEST',
    description: 'No stream lives longer.',
    default: 86_400_000,
  }),
  tokenRateSource: setting.integer(
    {
      flag: 'token-rate-source',
      env: 'ISTHMUS_TOKEN_RATE_SOURCE',
      description:
        'Token requests a second that this replica takes of one source address (a /64 of IPv6), ten times as many in a burst; a failed one counts as ten. Raise it where a load balancer hides the addresses. 0: no limit.',
      default: 50,
    },
    { min: 0, max: 1_000_000 },
  ),
  tokenRateCredential: setting.integer(
    {
      flag: 'token-rate-credential',
      env: 'ISTHMUS_TOKEN_RATE_CREDENTIAL',
      description:
        'The same for one credential from one source. A token lasts 15 minutes, so that few are needed. 0: no limit.',
      default: 5,
    },
    { min: 0, max: 1_000_000 },
  ),
  selfPolls: setting.integer(
    {
      flag: 'self-polls',
      env: 'ISTHMUS_SELF_POLLS',
      description: 'Waiting `/v1/self` requests of one credential on this replica. 0: no limit.',
      default: 16,
    },
    { min: 0, max: 100_000 },
  ),
  sessionRate: setting.integer(
    {
      flag: 'session-rate',
      env: 'ISTHMUS_SESSION_RATE',
      description:
        'Exec, attach, log-follow and port-forward streams (or tickets for them) a second that one virtual node may begin on this replica, five times as many in a burst. 0: no limit.',
      default: 100,
    },
    { min: 0, max: 1_000_000 },
  ),
  kubeRate: setting.integer(
    {
      flag: 'kube-rate',
      env: 'ISTHMUS_KUBE_RATE',
      description:
        'Requests a second of one tenant to the Kubernetes face of this replica, twice as many in a burst; more are answered 429 with Retry-After. 0: no limit.',
      default: 1_000,
    },
    { min: 0, max: 1_000_000 },
  ),
  kubeOpen: setting.integer(
    {
      flag: 'kube-open',
      env: 'ISTHMUS_KUBE_OPEN',
      description:
        'Requests of one tenant to the Kubernetes face of this replica that are open at once, watches and followed logs included. 0: no limit.',
      default: 2_000,
    },
    { min: 0, max: 1_000_000 },
  ),
  reconcileInterval: setting.duration({
    flag: 'reconcile-interval',
    env: 'ISTHMUS_RECONCILE_INTERVAL',
    description:
      'How often the ledger is compared with what the data planes carry; what differs twice is repaired.',
    default: 15_000,
  }),
  reservationAge: setting.duration({
    flag: 'reservation-age',
    env: 'ISTHMUS_RESERVATION_AGE',
    description:
      'How long quota stays reserved for an object whose creation never told its outcome; then the data plane is asked, and what it does not have is given back. Longer than a creation may take.',
    default: 120_000,
  }),
  poolSize: setting.integer(
    {
      flag: 'database-pool',
      env: 'ISTHMUS_DATABASE_POOL',
      description: 'Connections to PostgreSQL of this replica.',
      default: 20,
    },
    { min: 2, max: 500 },
  ),
  readyFile: setting.path({
    flag: 'ready-file',
    env: 'ISTHMUS_READY_FILE',
    description:
      'Written once both listeners answer: JSON with `publicUrl`, `operatorUrl`, `caFile`, and with `--dev` `operatorTokenFile` (the first operator’s token, mode 0600, in the data directory).',
    optional: true,
  }),
  defaultRequests: setting.list({
    flag: 'default-requests',
    env: 'ISTHMUS_DEFAULT_REQUESTS',
    description:
      'What a container requests that names neither request nor limit of it, as resource=quantity: nothing is free.',
    default: ['cpu=100m', 'memory=128Mi'],
  }),
  reservedKeys: setting.list({
    flag: 'reserved-keys',
    env: 'ISTHMUS_RESERVED_KEYS',
    description:
      'Labels and annotations that tenants may not set, beside the built-in ones (docs/bad-input.md): `example.com/` is that domain and those below it, `example.com/name` one key.',
    default: [],
  }),
  logLevel: setting.choice(['trace', 'debug', 'info', 'warn', 'error'], {
    flag: 'log-level',
    env: 'ISTHMUS_LOG_LEVEL',
    description: 'Least level that is logged.',
    default: 'info',
  }),
}

export type GatewayConfig = Values<typeof gatewaySettings>

/** Reads the gateway's settings and what they demand of each other. @throws SettingsError with every fault */
export function readGatewayConfig(sources: SettingSources): ReadSettings<typeof gatewaySettings> {
  const read = readSettings(gatewaySettings, sources)
  const faults = contradictions(read.values)
  if (faults.length > 0) throw new SettingsError(faults)
  return read
}

function contradictions(config: GatewayConfig): string[] {
  const faults: string[] = []
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    faults.push('--tls-cert and --tls-key go together')
  }
  if (config.masterKeys && config.masterKeyFile) faults.push('--master-keys or --master-key-file, not both')
  for (const address of config.clusterAddresses) {
    if (!isNetwork(address)) faults.push(`--cluster-addresses: ${address} is no address or network`)
  }
  if (config.insecureHttp && config.tlsCert) faults.push('--insecure-http contradicts --tls-cert')
  if (!config.dev) {
    if (!config.databaseUrl) faults.push('--database-url (or DATABASE_URL): is required without --dev')
    if (!config.masterKeys && !config.masterKeyFile) {
      faults.push('--master-keys or --master-key-file: one is required without --dev')
    }
    if (!config.tlsCert && !config.insecureHttp) {
      faults.push(
        '--tls-cert and --tls-key: are required without --dev, or --insecure-http behind a TLS proxy',
      )
    }
  }
  return faults
}

/** The values alone, from defaults and what is given: for tests and for starting in the process. */
export function gatewayConfig(given: Partial<GatewayConfig> = {}): GatewayConfig {
  return { ...readSettings(gatewaySettings, {}).values, ...given }
}
