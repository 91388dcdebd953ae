import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createAdmission } from './api/admission/index.ts'
import { createTokenAuthenticator, type StaticToken } from './api/auth/authenticate.ts'
import { allowAll, createAuthorizer } from './api/auth/authorizer.ts'
import { createBootstrapTokens } from './api/auth/bootstrap-tokens.ts'
import { createRbac } from './api/auth/rbac.ts'
import { createServiceAccountTokens, ISSUER } from './api/auth/service-account-tokens.ts'
import type { ApiContext, Role } from './api/context.ts'
import { createFaults, type FaultOptions } from './api/faults.ts'
import { createInProcess } from './api/in-process.ts'
import { findResource, storeTraits } from './api/resources/catalog.ts'
import { createApiServer } from './api/server.ts'
import { bootstrap, publishApiServer, publishClientCa } from './bootstrap.ts'
import type { AdmittedPods } from './controllers/admitted-pods.ts'
import { startControllers } from './controllers/index.ts'
import { makeKubeconfig } from './kubeconfig.ts'
import { type CertificateAuthority, createAuthority, type IssuedCertificate } from './pki/authority.ts'
import { startPodSide } from './pod-side.ts'
import { createMemoryStore, type MemoryStore } from './store/index.ts'

export interface SandboxOptions {
  /** `data-plane` runs pods as child processes; `user-cluster` schedules them and asks their node's kubelet port. */
  role: Role
  /** Holds the CA, kubeconfigs and the pods' files; made when it is missing. */
  dir: string
  /** 0 for any free one. */
  port: number
  /** Where to listen; 127.0.0.1 by default. */
  host?: string
  clock?: Clock
  logger: Logger
  /** `none` lets everybody do everything; `rbac` (the default) is `Node,RBAC` with NodeRestriction. */
  authorization?: 'rbac' | 'none'
  /** Known from the start, beside the administrator's. */
  tokens?: readonly StaticToken[]
  faults?: FaultOptions
  /** Changes kept per resource for watches to resume from; 5,000 by default. */
  historySize?: number
  /** PATH in which the commands of pods are looked for. */
  path?: string
}

/** A Kubernetes API that is up. */
export interface Sandbox {
  /** `https://127.0.0.1:port`. */
  readonly server: string
  /** PEM of its CA. */
  readonly ca: string
  readonly adminToken: string
  /** A kubeconfig of `system:masters`, as text. */
  readonly adminKubeconfig: string
  /** In process, without HTTP and admission; for tests that set up or look at a state. */
  readonly store: MemoryStore
  /** A client certificate that the sandbox takes (user is the CN, groups are the O). */
  issueClientCertificate(user: string, groups: readonly string[]): Promise<IssuedCertificate>
  /** A new bearer token of a user. */
  tokenFor(user: string, groups: readonly string[]): string
  /** A kubeconfig by client certificate of a user. */
  kubeconfigFor(user: string, groups: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** Starts a Kubernetes API in this process: for laptops and tests. It isolates nothing (docs/sandbox.md). */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { role, logger, clock = systemClock, host = '127.0.0.1' } = options
  const dir = resolve(options.dir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const authority = await loadAuthority(dir)
  const store = createMemoryStore({ clock, logger, traits: storeTraits, historySize: options.historySize })
  bootstrap(store)
  const tokens = createServiceAccountTokens({ store, clock })
  const rbac = createRbac(store)
  const bootstrapTokens = createBootstrapTokens({ store, clock })
  const adminToken = randomBytes(24).toString('base64url')
  const authenticator = createTokenAuthenticator(
    [{ token: adminToken, user: 'sandbox-admin', groups: ['system:masters'] }, ...(options.tokens ?? [])],
    (token) => bootstrapTokens(token) ?? tokens.review(token, [ISSUER])?.user,
  )
  const authorization = options.authorization !== 'none'
  const context: ApiContext = {
    role,
    store,
    clock,
    logger,
    backend: undefined,
    authenticateToken: authenticator.authenticateToken,
    authorize: authorization ? createAuthorizer(store, rbac) : allowAll,
    admit: createAdmission({ store, rbac, authorization }),
    tokens,
  }
  const shutdown = new AbortController()
  const serving = await authority.issueServer([
    ...new Set(['localhost', '127.0.0.1', '::1', host, 'kubernetes.default.svc']),
  ])
  const faults = createFaults(options.faults ?? {}, clock)
  const tls = { ...serving, ca: authority.ca }
  const app = createApiServer({ context, rbac, tls, faults, shutdown: shutdown.signal })
  await app.listen({ host, port: options.port })
  const { port } = app.server.address() as AddressInfo
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`

  publishApiServer(store, host, port)
  publishClientCa(store, authority.ca)
  const { authorize } = context
  const stopControllers = startControllers({
    store,
    clock,
    logger,
    authority,
    pods: controllerPods(context),
    authorize,
  })
  const kubeletClient = await authority.issueClient('kube-apiserver-kubelet-client', ['system:masters'])
  const podSide = await startPodSide({
    role,
    store,
    clock,
    logger,
    dir,
    tokens,
    kubeletClient,
    apiServer: { host, port },
    path: options.path ?? '/usr/local/bin:/usr/bin:/bin',
  })
  context.backend = podSide.backend

  const adminKubeconfig = makeKubeconfig({
    name: `sandbox-${role}`,
    server,
    ca: authority.ca,
    user: { token: adminToken },
  })
  await writeFile(join(dir, 'ca.crt'), authority.ca)
  await writeFile(join(dir, 'admin.kubeconfig'), adminKubeconfig, { mode: 0o600 })
  logger.info({ role, server, dir }, 'the sandbox is up')

  return {
    server,
    ca: authority.ca,
    adminToken,
    adminKubeconfig,
    store,
    issueClientCertificate: (user, groups) => authority.issueClient(user, groups),
    tokenFor(user, groups) {
      const token = randomBytes(24).toString('base64url')
      authenticator.add({ token, user, groups })
      return token
    },
    async kubeconfigFor(user, groups) {
      const issued = await authority.issueClient(user, groups)
      return makeKubeconfig({ name: user, server, ca: authority.ca, user: issued })
    },
    async close() {
      shutdown.abort()
      stopControllers()
      await podSide.stop()
      await app.close()
    },
  }
}

/** Pods that the ReplicaSet controller makes. */
function controllerPods(context: ApiContext): AdmittedPods {
  const definition = findResource('', 'pods')!
  const username = 'system:serviceaccount:kube-system:replicaset-controller'
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated']
  return { create: (pod) => createInProcess(context, definition, pod, { username, groups }) }
}

/** The CA of an earlier run in this folder, or a new one. */
async function loadAuthority(dir: string): Promise<CertificateAuthority> {
  const certFile = join(dir, 'ca.crt')
  const keyFile = join(dir, 'ca.key')
  const existing = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    },
  )
  const authority = await createAuthority(
    'isthmus-sandbox',
    existing && { cert: existing[0], key: existing[1] },
  )
  await writeFile(keyFile, authority.key, { mode: 0o600 })
  return authority
}
